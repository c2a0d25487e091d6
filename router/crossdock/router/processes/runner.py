"""Runs one process: what comes in for it, and what its instances send."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import NamedTuple

from crossdock.contracts import Disconnected, Reject
from crossdock.mesh.bus import Bus, ConsumerSpec
from crossdock.mesh.component import Component, State
from crossdock.mesh.consuming import Consuming
from crossdock.mesh.control.permit import Permit
from crossdock.mesh.dead_letters import redrive_subject
from crossdock.mesh.finding import ROUTE_PREFIX
from crossdock.mesh.observing import observer
from crossdock.mesh.telemetry import Metrics, RouteMetrics, Tracing
from crossdock.mesh.telemetry.process_metrics import ProcessMetrics
from crossdock.router.gathering import group_consumer
from crossdock.router.halves import Halves
from crossdock.router.processes.compiled import CompiledProcess
from crossdock.router.processes.counting import Census, take_census
from crossdock.router.processes.handling import ProcessHandler, Taking
from crossdock.router.processes.loading import LoadedProcess
from crossdock.router.processes.revision import rebuild_process
from crossdock.router.processes.sending import StepHandler
from crossdock.router.processes.storing import InstanceStore
from crossdock.router.processes.versions import Versions
from crossdock.router.revision import Revisions

_log = logging.getLogger("crossdock.router")
_LANES = 2
_BATCH = 100  # instances may be large (I8)
_AGAIN = 1.0
_COUNT_EVERY = 15.0
_SHARE = 20  # counting takes at most about one twentieth of the time


class Settings(NamedTuple):
    """What a process is run with.

    Attributes:
        permit: What operators allow it.
        bound: Bytes that the stream of instances may hold.
        from_start: Whether a new consumer takes what is there already.
    """

    permit: Permit
    bound: int
    from_start: bool


class ProcessRunner:
    """Runs one process, once it is known with which revisions its instances began.

    Attributes:
        permit: What operators allow it.
    """

    def __init__(
        self,
        bus: Bus,
        process: LoadedProcess,
        metrics: Metrics,
        tracing: Tracing,
        settings: Settings,
    ) -> None:
        """Prepare; nothing is read.

        Args:
            bus: Connection.
            process: The process.
            metrics: To count.
            tracing: To trace.
            settings: What it is run with.
        """
        self._bus = bus
        self._process = process
        self._counts = RouteMetrics.of(metrics, process.compiled.name)
        self._metrics = ProcessMetrics.of(metrics, process.compiled.name)
        self._tracing = tracing
        self.permit = settings.permit
        self._from_start = settings.from_start
        self._revisions = Revisions(bus)
        self._versions = Versions(process.compiled, self._find)
        self._store = InstanceStore(
            bus, process.compiled, self._versions, self._metrics, bound=settings.bound
        )
        self._halves: Halves | None = None
        self._preparing = asyncio.Lock()
        self._stop = asyncio.Event()
        self._why = ""

    @property
    def state(self) -> State:
        """How it is."""
        return "starting" if self._halves is None else self._halves.state

    @property
    def reason(self) -> str:
        """Why it is so."""
        return self._why if self._halves is None else self._halves.reason

    async def run(self) -> None:
        """Run until :meth:`stop`, then finish what was begun."""
        halves = await self._prepared()
        if halves is None:
            return
        counting = asyncio.create_task(self._count(), name=f"count {self._process.compiled.name}")
        try:
            await halves.run()
        finally:
            counting.cancel()
            await asyncio.gather(counting, return_exceptions=True)

    async def ensure(self) -> None:
        """Make the durable consumers, if they are not there yet.

        Raises:
            Disconnected: The broker does not answer or refuses.
        """
        await (await self._prepare()).ensure()

    def held(self) -> int:
        """Return how many messages are being worked on."""
        return 0 if self._halves is None else self._halves.held()

    def in_hand(self) -> int:
        """Return how many messages it has from the broker, begun or not."""
        return 0 if self._halves is None else self._halves.in_hand()

    def stop(self) -> None:
        """Ask it to end. Safe twice."""
        self._stop.set()
        if self._halves is not None:
            self._halves.stop()

    async def _prepared(self) -> Halves | None:
        """Prepare, however long the broker is away; None when asked to stop."""
        while not self._stop.is_set():
            try:
                return await self._prepare()
            except Disconnected as error:
                self._why = error.reason
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_AGAIN):
                        await self._stop.wait()
        return None

    async def _prepare(self) -> Halves:
        """Find the revisions that instances keep, and make the consumers for all of them.

        Raises:
            Disconnected: The broker does not answer.
        """
        async with self._preparing:
            if self._halves is None:
                name = self._process.compiled.name
                await self._revisions.keep(name, self._process.revision)
                for revision in (await self._census()).revisions:
                    try:
                        await self._versions.load(revision)
                    except Reject as error:
                        _log.error("instances cannot go on", extra={"why": error.reason})
                self._halves = Halves([self._first(), self._second()], _nothing)
            return self._halves

    async def _find(self, revision: str) -> CompiledProcess | None:
        loaded = self._process
        found = await self._revisions.find(loaded.compiled.name, revision)
        if found is None:
            return None
        return rebuild_process(found, loaded.registry, mesh=loaded.mesh)

    def _first(self) -> Consuming:
        """Return what takes the messages of the process, of all revisions in use."""
        process, subjects = self._process.compiled, self._bus.subjects
        accepted = {c.name for each in self._versions.all() for c in each.accepted.values()}
        spec = ConsumerSpec(
            stream=subjects.stream("in"),
            durable=f"{ROUTE_PREFIX}{process.name}",
            filters=(
                *(subjects.incoming(name) for name in sorted(accepted)),
                redrive_subject(self._bus, process.name),
            ),
            from_start=self._from_start,
        )
        component = Component(
            kind="route",
            name=process.name,
            policy=self._process.policy,
            lanes=_LANES,
            revision=process.revision,
        )
        handler = ProcessHandler(self._bus, process, self._taking(), self._counts)
        return Consuming(self._bus, component, spec, handler, observer(self._counts), self.permit)

    def _second(self) -> Consuming:
        """Return what sends what steps have to send."""
        process = self._process.compiled
        component = Component(
            kind="group",
            name=process.name,
            policy=self._process.policy,
            batch=_BATCH,
            lanes=_LANES,
            revision=process.revision,
        )
        handler = StepHandler(self._bus, process, self._store, self._taking(), self._counts)
        spec = group_consumer(self._bus, process.name)
        return Consuming(self._bus, component, spec, handler, observer(self._counts), self.permit)

    def _taking(self) -> Taking:
        process = self._process.compiled
        return Taking(self._bus, process, self._versions, self._store, self._tracing)

    async def _count(self) -> None:
        """Show how many instances there are, and let no more begin than there may be."""
        clock = asyncio.get_running_loop().time
        limits = self._process.compiled.limits
        states = [*self._process.compiled.states, "cancelled", "stuck", "waiting"]
        while True:
            began = clock()
            with contextlib.suppress(Disconnected):
                census = await self._census()
                self._metrics.instances(dict.fromkeys(states, 0) | census.states)
                self._store.crowd(crowded=census.total >= limits.instances)
            await asyncio.sleep(max(_COUNT_EVERY, _SHARE * (clock() - began)))

    async def _census(self) -> Census:
        return await take_census(self._bus, self._process.compiled.name)


async def _nothing() -> None:
    """Close nothing: the halves share only what lives as long as the process."""
