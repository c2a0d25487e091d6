"""The worker service: the sources and sinks of one process, changed live with the project."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol

from prometheus_client import Gauge

from crossdock.mesh.bus import Bus, ConsumerSpec
from crossdock.mesh.component import Component, Observer, State
from crossdock.mesh.components import Components, Runner
from crossdock.mesh.control import Controls, Permit, Seen
from crossdock.mesh.control.reporting import Controlled, seen_of
from crossdock.mesh.finding import DESTINATION_PREFIX
from crossdock.mesh.observing import observer, show_held, show_permit, show_state
from crossdock.mesh.ordering import consuming_of, show_order
from crossdock.mesh.telemetry import (
    ComponentMetrics,
    DestinationMetrics,
    Metrics,
    SourceMetrics,
    Tracing,
)
from crossdock.workers.adapter import WorkerContext
from crossdock.workers.loading import LoadedWorker, WorkersProject
from crossdock.workers.sinking import SinkHandler
from crossdock.workers.sourcing import SourceRunner


class _Runner(Runner, Controlled, Protocol):
    """A source or a destination that runs."""


class Workers:
    """All workers of one process. Any number of processes share the work."""

    def __init__(
        self,
        bus: Bus,
        folder: Path,
        metrics: Metrics,
        tracing: Tracing,
        controls: Controls | None = None,
    ) -> None:
        self._bus = bus
        self._controls = controls or Controls(bus)
        self._folder = folder
        self._metrics = metrics
        self._tracing = tracing
        self._components: Components[LoadedWorker, _Runner] = Components(self._make, self._forget)
        self._lag: dict[str, Gauge] = {}

    async def apply(self, project: WorkersProject) -> None:
        """Run exactly these workers."""
        await self._components.apply(project.workers)

    def not_ready(self) -> str | None:
        """Say which workers are not ready; None when all are."""
        return self._components.not_ready()

    def lags(self) -> dict[str, Gauge]:
        """Return by durable consumer the gauge of what it has still to settle."""
        return self._lag

    def seen(self) -> list[Seen]:
        """Return how each source and destination is, for who asks."""
        return [
            seen_of(each.permit.name.kind, each.permit.name.name, each)
            for each in self._components.runners()
        ]

    async def stop(self) -> None:
        """Stop, each worker finishing what it has begun."""
        await self._components.stop()

    def _make(self, worker: LoadedWorker) -> _Runner:
        context = WorkerContext(
            mesh=self._bus.subjects.mesh,
            worker=worker.file.worker,
            folder=self._folder,
            batch=worker.file.batch,
            answer=0 if worker.reply is None else worker.reply.most,
        )
        made = worker.adapter.make(worker.settings, context)
        if worker.adapter.direction == "source":
            counts = SourceMetrics.of(self._metrics, worker.file.worker)
            allowed = self._controls.permit("source", worker.file.worker)
            source = SourceRunner(self._bus, worker, made, self._tracing, counts, allowed)
            state = ComponentMetrics.of(self._metrics, worker.file.worker)
            show_state(state, source)
            show_permit(state, allowed)
            return source
        destination = DestinationMetrics.of(self._metrics, worker.file.destination)
        handler = SinkHandler(self._bus, worker, made, self._tracing, destination)
        permit = self._controls.permit("destination", worker.file.destination)
        sink = _SinkRunner(self._bus, worker, handler, observer(destination), permit)
        show_held(destination, sink.consuming)
        show_order(self._metrics, worker.file.destination, sink.consuming)
        state = ComponentMetrics.of(self._metrics, worker.file.destination)
        show_state(state, sink)
        show_permit(state, permit)
        self._lag[sink.consuming.durable] = state.pending
        return sink

    def _forget(self, worker: LoadedWorker) -> None:
        name = worker.file.worker
        if worker.adapter.direction == "sink":
            name = worker.file.destination
            self._lag.pop(f"{DESTINATION_PREFIX}{name}", None)
        self._metrics.forget(name)


class _SinkRunner:
    """Consumes a destination, and closes its sink at the end."""

    def __init__(
        self,
        bus: Bus,
        worker: LoadedWorker,
        handler: SinkHandler,
        observe: Observer,
        permit: Permit,
    ) -> None:
        destination = worker.file.destination
        spec = ConsumerSpec(
            stream=bus.subjects.stream("out"),
            durable=f"{DESTINATION_PREFIX}{destination}",
            filters=(bus.subjects.outgoing(destination),),
        )
        component = Component(
            kind="destination",
            name=destination,
            policy=worker.policy,
            batch=worker.file.batch,
            throttle=worker.file.throttle,
            key=None if worker.order is None else worker.order.of_incoming,
            runs=worker.in_order,
        )
        self.consuming = consuming_of(bus, component, spec, handler, observe, permit)
        self._sink_handler = handler

    @property
    def state(self) -> State:
        """How it is."""
        return self.consuming.state

    @property
    def reason(self) -> str:
        """Why it is paused or halted."""
        return self.consuming.reason

    @property
    def permit(self) -> Permit:
        """What operators allow it."""
        return self.consuming.permit

    def in_hand(self) -> int:
        """Return how many messages it has from the broker, begun or not."""
        return self.consuming.in_hand()

    async def run(self) -> None:
        """Consume, then close the sink."""
        try:
            await self.consuming.run()
        finally:
            await asyncio.shield(self._sink_handler.close())

    def stop(self) -> None:
        """Finish what is being worked on, then return from :meth:`run`. Safe twice."""
        self.consuming.stop()
