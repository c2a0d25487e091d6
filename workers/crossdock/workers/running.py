"""The worker service: the sources and sinks of one process, changed live with the project."""

from __future__ import annotations

import asyncio
from pathlib import Path

from crossdock.mesh.bus import Bus, ConsumerSpec
from crossdock.mesh.components import Components, Runner
from crossdock.mesh.consuming import Component, Consuming
from crossdock.mesh.telemetry import DestinationMetrics, Metrics, SourceMetrics, Tracing
from crossdock.workers.adapter import WorkerContext
from crossdock.workers.loading import LoadedWorker, WorkersProject
from crossdock.workers.sinking import SinkHandler
from crossdock.workers.sourcing import SourceRunner

DESTINATION_PREFIX = "dest-"


class Workers:
    """All workers of one process. Any number of processes share the work."""

    def __init__(self, bus: Bus, folder: Path, metrics: Metrics, tracing: Tracing) -> None:
        self._bus = bus
        self._folder = folder
        self._metrics = metrics
        self._tracing = tracing
        self._components: Components[LoadedWorker] = Components(self._make)

    async def apply(self, project: WorkersProject) -> None:
        """Run exactly these workers."""
        await self._components.apply(project.workers)

    def not_ready(self) -> str | None:
        """Say which workers are not ready; None when all are."""
        return self._components.not_ready()

    async def stop(self) -> None:
        """Stop, each worker finishing what it has begun."""
        await self._components.stop()

    def _make(self, worker: LoadedWorker) -> Runner:
        context = WorkerContext(
            mesh=self._bus.subjects.mesh,
            worker=worker.file.worker,
            folder=self._folder,
            batch=worker.file.batch,
        )
        made = worker.adapter.make(worker.settings, context)
        if worker.adapter.direction == "source":
            counts = SourceMetrics.of(self._metrics, worker.file.worker)
            return SourceRunner(self._bus, worker, made, self._tracing, counts)
        return _SinkRunner(
            self._bus,
            worker,
            SinkHandler(
                self._bus,
                worker,
                made,
                self._tracing,
                DestinationMetrics.of(self._metrics, worker.file.destination),
            ),
            DestinationMetrics.of(self._metrics, worker.file.destination),
        )


class _SinkRunner(Consuming):
    """Consumes a destination, and closes its sink at the end."""

    def __init__(
        self, bus: Bus, worker: LoadedWorker, handler: SinkHandler, counts: DestinationMetrics
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
        )

        def observe(outcome: str, count: int) -> None:
            match outcome:
                case "settled":
                    counts.taken.inc(count)
                case "dead":
                    counts.dead.inc(count)
                case "retried":
                    counts.retried.inc(count)

        super().__init__(bus, component, spec, handler, observe)
        self._sink_handler = handler

    async def run(self) -> None:
        """Consume, then close the sink."""
        try:
            await super().run()
        finally:
            await asyncio.shield(self._sink_handler.close())
