"""Takes the messages of a process: each changes its instance, then its record is written."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

import msgspec

from crossdock.contracts import CrossdockError, Disconnected, Message, Reject, Retry
from crossdock.mesh import records
from crossdock.mesh.bus import Bus, Incoming
from crossdock.mesh.parting import parts_of
from crossdock.mesh.telemetry import RouteMetrics, Tracing, processing
from crossdock.router.processes.arriving import arrival_of, traced
from crossdock.router.processes.compiled import CompiledProcess
from crossdock.router.processes.events import Arrival, Place
from crossdock.router.processes.storing import InstanceStore
from crossdock.router.processes.versions import Versions

Outcomes = list[CrossdockError | None]


class Taking:
    """Takes messages for the instances of a process, and says what became of each."""

    def __init__(
        self,
        bus: Bus,
        process: CompiledProcess,
        versions: Versions,
        store: InstanceStore,
        tracing: Tracing,
    ) -> None:
        self._process = process
        self._versions = versions
        self._store = store
        self._tracing = tracing
        contracts = ",".join(sorted({each.name for each in process.accepted.values()}))
        self._step = processing(bus.subjects.stream("in") + f"/{contracts}", process.name)
        self._checks = bus.claim_checks

    async def places(self, batch: Sequence[Incoming], *, waited: bool = False) -> list[Place]:
        """Let messages come to their instances; what is returned is durable.

        Args:
            batch: The messages.
            waited: Whether they have waited already.

        Raises:
            Disconnected: The broker is away or has no room.
            Retry: Others were faster, again and again.
        """
        places: list[Place] = []
        for part in parts_of(batch):
            async with self._checks.room.take(part.size):  # I8
                places += await self._places(part.batch, waited=waited)
        return places

    async def _places(self, batch: Sequence[Incoming], *, waited: bool) -> list[Place]:
        found = [await self._arrival(each, waited=waited) for each in batch]
        arrivals = [each for each in found if isinstance(each, Arrival)]
        events = [(self._store.token(each.key), each.key, each) for each in arrivals]
        placed = iter(await self._store.let(events) if events else ())
        return [next(placed) if isinstance(each, Arrival) else each for each in found]

    async def _arrival(self, incoming: Incoming, *, waited: bool) -> Arrival | Place:
        try:
            message = incoming.message()
            if message.dataref:  # where it has to wait, it waits with its data
                whole = await self._checks.fetch(message)
                message = msgspec.structs.replace(whole, dataref="")
            return arrival_of(self._versions.all(), self._traced(message), waited=waited)
        except ValueError as error:
            return Place(error=Reject(str(error)))
        except CrossdockError as error:
            return Place(error=error)

    def _traced(self, message: Message) -> Message:
        given = message.extensions
        hop = self._tracing.hop(
            self._step, given.get("traceparent"), given.get("tracestate", ""), message.id
        )
        hop.end()
        return traced(message, hop.traceparent)


class ProcessHandler:
    """Handles what comes in for a process; see :class:`crossdock.mesh.component.Handler`."""

    def __init__(
        self, bus: Bus, process: CompiledProcess, taking: Taking, metrics: RouteMetrics
    ) -> None:
        self._bus = bus
        self._process = process
        self._taking = taking
        self._metrics = metrics

    async def __call__(self, batch: Sequence[Incoming]) -> Outcomes:
        """Change instances, write the record, then answer for each."""
        start = time.perf_counter()
        places = await self._taking.places(batch)
        entries = entries_of(batch, places)
        if entries:
            try:
                await records.write(
                    self._bus,
                    "route",
                    self._process.name,
                    entries,
                    revision=self._process.revision,
                )
            except Retry as error:
                raise Disconnected(error.reason) from error
        count(self._metrics, places)
        self._metrics.seconds.observe(time.perf_counter() - start)
        return [each.error for each in places]


def entries_of(batch: Sequence[Incoming], places: Sequence[Place]) -> list[records.Entry]:
    """Return what is recorded of messages that could be taken."""
    return [
        records.Entry(
            incoming.message().id,
            incoming.sequence,
            place.outcome,
            place.detail,
            tuple((records.GROUP, each) for each in place.steps),
            incoming.delivered,
        )
        for incoming, place in zip(batch, places, strict=True)
        if place.error is None
    ]


def count(metrics: RouteMetrics, places: Sequence[Place]) -> None:
    """Count messages that could be taken (I9)."""
    outcomes = Counter(each.outcome for each in places if each.error is None)
    metrics.routed.inc(outcomes["routed"])
    metrics.filtered.inc(outcomes["filtered"])
    metrics.grouped.inc(outcomes["grouped"])
