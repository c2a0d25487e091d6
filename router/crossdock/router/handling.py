"""Runs one route: decide, publish the children together, write the record; then the loop acks."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from crossdock.contracts import CrossdockError, Disconnected, Message, Reject, Retry, is_token
from crossdock.contracts.replying import REPLY, REPLY_TO
from crossdock.contracts.slips import route_of
from crossdock.mesh import records
from crossdock.mesh.bus import Bus, Incoming
from crossdock.mesh.bus.committing import MAX_BATCH
from crossdock.mesh.fail_points import reach
from crossdock.mesh.later import waits_until
from crossdock.mesh.ordering import stop_at_first
from crossdock.mesh.telemetry import RouteMetrics, Tracing, processing
from crossdock.router.answering import Answers
from crossdock.router.batch_deciding import Decider
from crossdock.router.batches import by_stream
from crossdock.router.compiled import CompiledRoute
from crossdock.router.deciding import Decision
from crossdock.router.flow import Child
from crossdock.router.journal import Journals
from crossdock.router.made import Half, Item, Made, parts_of
from crossdock.router.revision import Revisions
from crossdock.router.steps.detour import Switched

_MOST_AT_ONCE = 2 * MAX_BATCH  # children that wait to be stored (I8)


class RouteHandler:
    """Handles the messages of one route; see :class:`crossdock.mesh.component.Handler`."""

    def __init__(
        self,
        bus: Bus,
        route: CompiledRoute,
        tracing: Tracing,
        metrics: RouteMetrics,
        answers: Answers,
        half: Half,
    ) -> None:
        self._bus = bus
        self._half = half
        self._revision_kept = False
        self._keeping = asyncio.Lock()
        self._route = route
        self._tracing = tracing
        self._metrics = metrics
        self._journals = Journals(route.name, answers)
        self._decider = Decider(bus.claim_checks, route, self._journals)
        self._subjects = {
            name: bus.subjects.outgoing(name) for name in route.destinations if is_token(name)
        }
        contracts = ",".join(sorted({each.name for each in route.accepted.values()}))
        self._step = processing(bus.subjects.stream("in") + f"/{contracts}", route.name)

    async def __call__(self, batch: Sequence[Incoming]) -> Sequence[CrossdockError | None]:
        """Decide all, publish all, then answer for each."""
        start = time.perf_counter()
        await self._keep_revision()
        outcomes: list[CrossdockError | None] = []
        made = Made(self._half.detours())
        async with contextlib.aclosing(self._decider.decisions(batch, made.detours)) as decisions:
            async for incoming, decision, large in decisions:
                outcomes.append(self._take(incoming, decision, made, len(outcomes)))
                if large or made.count > _MOST_AT_ONCE:
                    await self._store(made, outcomes)
                    made = Made(made.detours)
        await self._store(made, outcomes)
        for each, outcome in zip(batch, outcomes, strict=True):
            if outcome is None:
                self._journals.forget(each)
        self._metrics.seconds.observe(time.perf_counter() - start)
        return outcomes

    def done(self, incoming: Incoming) -> str:
        """Return what was done of a message that could not be finished, for its dead letter."""
        return self._journals.done(incoming)

    def _take(
        self, incoming: Incoming, decision: Decision | CrossdockError, made: Made, at: int
    ) -> CrossdockError | None:
        """Note what is to be stored for a message; return what else is to become of it."""
        if isinstance(decision, CrossdockError):
            return _noted(decision, made.detours)
        if decision.outcome == "rejected":
            return _noted(Reject(decision.reason, decision.problems), made.detours)
        message = incoming.message()
        entry = records.Entry(
            message.id,
            incoming.sequence,
            decision.outcome,
            _detail(decision),
            tuple((each.destination, each.message.id) for each in decision.children),
            incoming.delivered,
        )
        children = self._trace(message, decision)
        made.sent.update([each.destination for each in decision.children])
        if decision.outcome == "delayed":
            return self._hold(incoming, decision, entry, children, made)
        if decision.outcome == "grouped":
            made.joining.append((at, entry, decision.arrivals))
            made.count += len(decision.arrivals)
            made.send(children)
        else:
            made.add(entry, children)
        return None

    def _hold(
        self,
        incoming: Incoming,
        decision: Decision,
        entry: records.Entry,
        children: list[Item],
        made: Made,
    ) -> CrossdockError | None:
        """Note what is to wait of a message."""
        later, delay = self._half.later, self._route.delay
        assert later is not None  # noqa: S101 - such a route is made with one
        assert delay is not None  # noqa: S101 - the decision is one of such a route
        accepted = datetime.fromtimestamp(incoming.timestamp / 1e9, UTC)
        try:
            dues = [delay.due(each, accepted) for each in decision.held]
            items = [
                later.outgoing(each.message, due)
                for each, due in zip(decision.held, dues, strict=True)
            ]
        except Reject as error:
            return error
        made.holding += items
        made.count += len(items)
        kept = tuple((records.GROUP, each.message.id) for each in decision.held)
        entry = msgspec.structs.replace(
            entry, detail=waits_until(dues), children=entry.children + kept
        )
        made.add(entry, children)
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
            items.append((self._subject(child), made))
        return items

    def _subject(self, child: Child) -> str:
        name, subjects = child.destination, self._bus.subjects
        if name == REPLY:
            return subjects.reply(child.message.extensions[REPLY_TO])
        route = route_of(name)
        if route is not None:
            return subjects.stop(route)
        return self._subjects.get(name) or subjects.outgoing(name)  # the next stop may be any

    async def _join(self, made: Made, outcomes: list[CrossdockError | None]) -> None:
        """Store members with their groups; who could not join is told in its outcome.

        Raises:
            Disconnected: The broker is away or has no room.
            Retry: Other replicas were faster, again and again.
        """
        groups = self._half.groups
        if groups is None or not made.joining:
            return
        arrivals = [each for _, _, mine in made.joining for each in mine]
        places = iter(await groups.join(arrivals))
        for at, entry, mine in made.joining:
            found = [next(places) for _ in mine]
            error = next((each.error for each in found if each.error is not None), None)
            if error is not None:
                outcomes[at] = error
                continue
            joined = tuple((records.GROUP, each) for each in dict.fromkeys(p.group for p in found))
            made.add(msgspec.structs.replace(entry, children=entry.children + joined), [])

    async def _store(self, made: Made, outcomes: list[CrossdockError | None]) -> None:
        """Store children and record; children of one message in one batch up to 1,000 (I4).

        Raises:
            Disconnected: Also when the stream is full: waiting is no fault of these messages (I8).
            Reject: One of the children can never be stored.
        """
        in_order = self._route.order is not None
        if in_order:
            stop_at_first(outcomes)
        await self._join(made, outcomes)
        await self._keep(made)
        groups = [made.groups]
        if self._route.sends_elsewhere:
            groups = await by_stream(self._bus, made.groups)
        parts = [part for each in groups for part in parts_of(each)]
        name = self._route.name
        try:
            await self._publish(parts, in_order=in_order)
            reach("published")
            if made.entries:
                half = self._half
                await records.write(
                    self._bus,
                    half.kind,
                    name,
                    made.entries,
                    revision=half.revision.name,
                    detours=made.detours,
                )
        except Retry as error:
            raise Disconnected(error.reason) from error
        self._metrics.routed.inc(made.outcomes["routed"])
        self._metrics.filtered.inc(made.outcomes["filtered"])
        self._metrics.grouped.inc(made.outcomes["grouped"] + made.outcomes["delayed"])
        self._count_sent(made)

    async def _keep(self, made: Made) -> None:
        """Store what is to wait.

        Raises:
            Disconnected: The broker is away or has no room.
        """
        later = self._half.later
        if later is None or not made.holding:
            return
        try:
            await later.hold(made.holding)
        except Retry as error:
            raise Disconnected(error.reason) from error
        reach("held")

    async def _publish(self, parts: list[list[Item]], *, in_order: bool) -> None:
        if in_order:
            for part in parts:
                await self._bus.publish_many(part, in_order=True)
        else:
            await asyncio.gather(*(self._bus.publish_many(part) for part in parts))

    async def _keep_revision(self) -> None:
        """Keep the route as it is, before the first record that names it; once in a process."""
        async with self._keeping:  # batches stay in their order
            if not self._revision_kept:
                await Revisions(self._bus).keep(self._route.name, self._half.revision)
                self._revision_kept = True

    def _count_sent(self, made: Made) -> None:
        for destination, count in made.sent.items():
            self._metrics.sent.inc(destination, count)


def _noted(error: CrossdockError, detours: Switched) -> CrossdockError:
    """Return an error that tells which detours were taken, should it lead to a dead letter."""
    error.detours = dict(detours)
    return error


def _detail(decision: Decision) -> str:
    if decision.reason:
        return decision.reason
    return ", ".join(each.branch for each in decision.conditions if each.held)
