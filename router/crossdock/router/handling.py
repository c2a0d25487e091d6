"""Runs one route: decide, publish the children together, write the record; then the loop acks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import msgspec

from crossdock.contracts import CrossdockError, Disconnected, Message, Reject, Retry
from crossdock.mesh import records
from crossdock.mesh.bus import Bus, Incoming
from crossdock.mesh.bus.committing import MAX_BATCH
from crossdock.mesh.fail_points import reach
from crossdock.mesh.telemetry import RouteMetrics, Tracing, processing
from crossdock.router.compiled import CompiledRoute
from crossdock.router.deciding import Decision, decide

Item = tuple[str, Message]


class RouteHandler:
    """Handles the messages of one route; see :class:`crossdock.mesh.consuming.Handler`."""

    def __init__(
        self, bus: Bus, route: CompiledRoute, tracing: Tracing, metrics: RouteMetrics
    ) -> None:
        self._bus = bus
        self._route = route
        self._tracing = tracing
        self._metrics = metrics
        self._subjects = {name: bus.subjects.outgoing(name) for name in route.destinations}
        contracts = ",".join(sorted({each.name for each in route.accepted.values()}))
        self._step = processing(bus.subjects.stream("in") + f"/{contracts}", route.name)

    async def __call__(self, batch: Sequence[Incoming]) -> Sequence[CrossdockError | None]:
        """Decide all, publish all, then answer for each."""
        start = time.perf_counter()
        entries: list[records.Entry] = []
        groups: list[list[Item]] = []
        outcomes = [self._decide(incoming, entries, groups) for incoming in batch]
        await self._store(entries, groups)
        self._count(entries, groups)
        self._metrics.seconds.observe(time.perf_counter() - start)
        return outcomes

    def _decide(
        self, incoming: Incoming, entries: list[records.Entry], groups: list[list[Item]]
    ) -> CrossdockError | None:
        try:
            message = incoming.message()
        except ValueError as error:
            return Reject(str(error))
        try:
            decision = decide(self._route, message)
        except Retry as error:
            return error
        if decision.outcome == "rejected":
            return Reject(decision.reason, decision.problems)
        children = self._trace(message, decision)
        entries.append(
            records.Entry(
                message.id,
                incoming.sequence,
                decision.outcome,
                _detail(decision),
                tuple((each.destination, each.message.id) for each in decision.children),
            )
        )
        if children:
            groups.append(children)
        return None

    def _trace(self, message: Message, decision: Decision) -> list[Item]:
        """Return what to publish; the children of a sampled message carry this hop's context."""
        extensions = message.extensions
        hop = self._tracing.hop(
            self._step,
            extensions.get("traceparent"),
            extensions.get("tracestate", ""),
            message.id,
        )
        hop.end()
        items: list[Item] = []
        for child in decision.children:
            made = child.message
            if hop.traceparent != extensions.get("traceparent", ""):
                own = made.extensions | {"traceparent": hop.traceparent}
                made = msgspec.structs.replace(made, extensions=own)
            items.append((self._subjects[child.destination], made))
        return items

    async def _store(self, entries: list[records.Entry], groups: list[list[Item]]) -> None:
        """Store children and record; children of one message always in one batch (I4).

        Raises:
            Disconnected: Also when the stream is full: waiting is no fault of these messages (I8).
            Reject: One of the children can never be stored.
        """
        writes = [self._bus.publish_many(part) for part in _parts(groups)]
        name = self._route.name
        try:
            await asyncio.gather(*writes)
            reach("published")
            if entries:
                await records.write(self._bus, "route", name, entries)
        except Retry as error:
            raise Disconnected(error.reason) from error

    def _count(self, entries: list[records.Entry], groups: list[list[Item]]) -> None:
        metrics = self._metrics
        routed = len(groups)
        metrics.routed.inc(routed)
        metrics.filtered.inc(len(entries) - routed)
        for destination, subject in self._subjects.items():
            sent = sum(1 for group in groups for each in group if each[0] is subject)
            if sent:
                metrics.sent.inc(destination, sent)


def _parts(groups: list[list[Item]]) -> list[list[Item]]:
    """Join groups to batches that the server takes at once, never splitting a group."""
    parts: list[list[Item]] = []
    for group in groups:
        if parts and len(parts[-1]) + len(group) <= MAX_BATCH:
            parts[-1].extend(group)
        else:
            parts.append(list(group))
    return parts


def _detail(decision: Decision) -> str:
    if decision.reason:
        return decision.reason
    return ", ".join(each.branch for each in decision.conditions if each.held)
