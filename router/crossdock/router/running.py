"""The router service: one durable consumer a route, changed live with the project."""

from __future__ import annotations

import asyncio
from pathlib import Path

from prometheus_client import Gauge

from crossdock.mesh.bus import Bus, ConsumerSpec
from crossdock.mesh.claims import Claims
from crossdock.mesh.components import Components
from crossdock.mesh.consuming import Component, Consuming, Observer
from crossdock.mesh.dead_letters import redrive_subject
from crossdock.mesh.finding import ROUTE_PREFIX
from crossdock.mesh.observing import observer, show_held, show_state
from crossdock.mesh.streams import has_begun, set_begun
from crossdock.mesh.telemetry import ComponentMetrics, Metrics, RouteMetrics, Tracing
from crossdock.router.answering import Answers
from crossdock.router.calls.clients import Clients
from crossdock.router.handling import RouteHandler
from crossdock.router.loading import LoadedRoute, RouterProject

LANES = 2  # one batch is decided while another waits for its PubAck


class Router:
    """All routes of one process. Any number of processes share the work."""

    def __init__(self, bus: Bus, metrics: Metrics, tracing: Tracing) -> None:
        self._bus = bus
        self._metrics = metrics
        self._tracing = tracing
        self._from_start = False
        self._folder = Path()
        self._components: Components[LoadedRoute, Consuming] = Components(self._make, self._forget)
        self._lag: dict[str, Gauge] = {}

    async def apply(self, project: RouterProject) -> None:
        """Run exactly these routes.

        Raises:
            Disconnected: The broker does not answer.
        """
        begun = await has_begun(self._bus)
        self._from_start = not begun
        self._folder = project.folder
        await self._components.apply(project.routes)
        if not begun and project.routes:
            await self._begin()

    def not_ready(self) -> str | None:
        """Say which routes are not ready; None when all are."""
        return self._components.not_ready()

    def lags(self) -> dict[str, Gauge]:
        """Return by durable consumer the gauge of what it has still to settle."""
        return self._lag

    async def stop(self) -> None:
        """Stop, each route finishing what it has begun."""
        await self._components.stop()

    async def _begin(self) -> None:
        """Make the consumers of the first routes, then remember that they are there.

        A new route begins with the messages that come after it, but the first routes of a mesh
        take what the door has accepted before they were there: nothing accepted is passed over,
        also when this process ends between two of them.
        """
        await asyncio.gather(*(each.ensure() for each in self._components.runners()))
        await set_begun(self._bus)

    def _make(self, route: LoadedRoute) -> Consuming:
        compiled = route.compiled
        subjects = self._bus.subjects
        contracts = sorted({each.name for each in compiled.accepted.values()})
        spec = ConsumerSpec(
            stream=subjects.stream("in"),
            durable=f"{ROUTE_PREFIX}{compiled.name}",
            filters=(
                *(subjects.incoming(name) for name in contracts),
                redrive_subject(self._bus, compiled.name),
            ),
            from_start=self._from_start,
        )
        component = Component(
            kind="route",
            name=compiled.name,
            policy=route.policy,
            lanes=LANES,
            revision=route.revision.name,
        )
        counts = RouteMetrics.of(self._metrics, compiled.name)
        clients = Clients(route.calls, self._folder)
        answers = Answers(clients, Claims(self._bus, compiled.name))
        handler = RouteHandler(self._bus, compiled, self._tracing, counts, answers, route.revision)
        consuming = _RouteRunner(self._bus, component, spec, handler, observer(counts))
        show_held(counts, consuming)
        state = ComponentMetrics.of(self._metrics, compiled.name)
        show_state(state, consuming)
        self._lag[spec.durable] = state.pending
        return consuming

    def _forget(self, route: LoadedRoute) -> None:
        self._lag.pop(f"{ROUTE_PREFIX}{route.compiled.name}", None)
        self._metrics.forget(route.compiled.name)


class _RouteRunner(Consuming):
    """Consumes for a route, and closes its clients at the end."""

    def __init__(
        self,
        bus: Bus,
        component: Component,
        spec: ConsumerSpec,
        handler: RouteHandler,
        observe: Observer,
    ) -> None:
        super().__init__(bus, component, spec, handler, observe)
        self._route_handler = handler

    async def run(self) -> None:
        """Consume, then close."""
        try:
            await super().run()
        finally:
            await asyncio.shield(self._route_handler.close())
