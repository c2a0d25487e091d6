"""Runs the processes of a project: two durable consumers each, changed live with the project."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from prometheus_client import Gauge

from crossdock.mesh.bus import Bus
from crossdock.mesh.components import Components
from crossdock.mesh.control import Controls, Seen
from crossdock.mesh.control.reporting import seen_of
from crossdock.mesh.finding import ROUTE_PREFIX
from crossdock.mesh.observing import show_held, show_permit, show_state
from crossdock.mesh.telemetry import ComponentMetrics, Metrics, RouteMetrics, Tracing
from crossdock.router.processes.loading import LoadedProcess
from crossdock.router.processes.runner import ProcessRunner, Settings


class Processes:
    """All processes of one router."""

    def __init__(self, bus: Bus, metrics: Metrics, tracing: Tracing, controls: Controls) -> None:
        self._bus = bus
        self._controls = controls
        self._metrics = metrics
        self._tracing = tracing
        self._from_start = False
        self._bound = 0
        self._lag: dict[str, Gauge] = {}
        self._components: Components[LoadedProcess, ProcessRunner] = Components(
            self._make, self._forget
        )

    async def apply(
        self, processes: Mapping[str, LoadedProcess], *, bound: int, from_start: bool
    ) -> None:
        """Run exactly these processes.

        Args:
            processes: By name.
            bound: Bytes that the stream of the instances may hold.
            from_start: Whether they take what is there already.
        """
        self._bound = bound
        self._from_start = from_start
        await self._components.apply(processes)

    async def ensure(self) -> None:
        """Make the durable consumers, if they are not there yet.

        Raises:
            Disconnected: The broker does not answer.
        """
        await asyncio.gather(*(each.ensure() for each in self._components.runners()))

    def not_ready(self) -> str | None:
        """Say which processes are not ready; None when all are."""
        return self._components.not_ready()

    def lags(self) -> dict[str, Gauge]:
        """Return by durable consumer the gauge of what it has still to settle."""
        return self._lag

    def seen(self) -> list[Seen]:
        """Return how each process is, for who asks: as a route."""
        return [
            seen_of("route", process.compiled.name, runner)
            for process, runner in self._components.running()
        ]

    async def stop(self) -> None:
        """Stop, each process finishing what it has begun."""
        await self._components.stop()

    def _make(self, process: LoadedProcess) -> ProcessRunner:
        permit = self._controls.permit("route", process.compiled.name)
        settings = Settings(permit, self._bound, self._from_start)
        runner = ProcessRunner(self._bus, process, self._metrics, self._tracing, settings)
        show_held(RouteMetrics.of(self._metrics, process.compiled.name), runner)
        state = ComponentMetrics.of(self._metrics, process.compiled.name)
        show_state(state, runner)
        show_permit(state, permit)
        self._lag[f"{ROUTE_PREFIX}{process.compiled.name}"] = state.pending
        return runner

    def _forget(self, process: LoadedProcess) -> None:
        self._lag.pop(f"{ROUTE_PREFIX}{process.compiled.name}", None)
        self._metrics.forget(process.compiled.name)
