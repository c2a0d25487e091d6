"""The router service: one durable consumer a route, changed live with the project."""

from __future__ import annotations

import asyncio
from pathlib import Path

from prometheus_client import Gauge

from crossdock.mesh.bus import Bus, ConsumerSpec
from crossdock.mesh.claims import Claims
from crossdock.mesh.component import Component
from crossdock.mesh.components import Components
from crossdock.mesh.consuming import Consuming
from crossdock.mesh.dead_letters import redrive_subject
from crossdock.mesh.finding import ROUTE_PREFIX
from crossdock.mesh.groups import GroupStore
from crossdock.mesh.later import Later
from crossdock.mesh.observing import observer, show_held, show_state
from crossdock.mesh.streams import has_begun, set_begun
from crossdock.mesh.telemetry import ComponentMetrics, GroupMetrics, Metrics, RouteMetrics, Tracing
from crossdock.router.answering import Answers
from crossdock.router.calls.clients import Clients
from crossdock.router.compiled import CompiledRoute
from crossdock.router.gathering import BATCH, GroupHandler, group_consumer
from crossdock.router.halves import Halves
from crossdock.router.handling import RouteHandler
from crossdock.router.loading import LoadedRoute, RouterProject
from crossdock.router.made import Half
from crossdock.router.python_steps.loading import Functions
from crossdock.router.python_steps.process import StepProcess

LANES = 2  # one batch is decided while another waits for its PubAck


class Router:
    """All routes of one process. Any number of processes share the work."""

    def __init__(self, bus: Bus, metrics: Metrics, tracing: Tracing) -> None:
        self._bus = bus
        self._metrics = metrics
        self._tracing = tracing
        self._from_start = False
        self._folder = Path()
        self._functions: StepProcess | None = None
        self._known_functions: Functions | None = None
        self._bound = 0
        self._components: Components[LoadedRoute, Halves] = Components(self._make, self._forget)
        self._lag: dict[str, Gauge] = {}

    async def apply(self, project: RouterProject) -> None:
        """Run exactly these routes.

        Raises:
            Disconnected: The broker does not answer.
        """
        begun = await has_begun(self._bus)
        self._from_start = not begun
        self._folder = project.folder
        before = self._replace_functions(project)
        self._bound = int(project.mesh.broker.max_bytes)
        await self._components.apply(project.routes)
        if before is not None:
            await before.stop()
        if not begun and project.routes:
            await self._begin()

    def _replace_functions(self, project: RouterProject) -> StepProcess | None:
        """Take the process of the Python steps of a project; return the one that has to go."""
        if project.functions == self._known_functions:
            return None
        before, self._functions = self._functions, None
        self._known_functions = project.functions
        if project.functions.steps:
            self._functions = StepProcess(project.functions)
        return before

    def not_ready(self) -> str | None:
        """Say which routes are not ready; None when all are."""
        return self._components.not_ready()

    def lags(self) -> dict[str, Gauge]:
        """Return by durable consumer the gauge of what it has still to settle."""
        return self._lag

    async def stop(self) -> None:
        """Stop, each route finishing what it has begun."""
        await self._components.stop()
        if self._functions is not None:
            await self._functions.stop()

    async def _begin(self) -> None:
        """Make the consumers of the first routes, then remember that they are there.

        A new route begins with the messages that come after it, but the first routes of a mesh
        take what the door has accepted before they were there: nothing accepted is passed over,
        also when this process ends between two of them.
        """
        await asyncio.gather(*(each.ensure() for each in self._components.runners()))
        await set_begun(self._bus)

    def _make(self, route: LoadedRoute) -> Halves:
        compiled = route.compiled
        counts = RouteMetrics.of(self._metrics, compiled.name)
        clients = Clients(route.calls, self._folder)
        answers = Answers(clients, Claims(self._bus, compiled.name), self._functions)
        groups = self._groups(compiled)
        halves = [self._first(route, counts, answers, groups)]
        if groups is not None or compiled.delay is not None:
            halves.append(self._second(route, counts, answers, groups))
        runner = Halves(halves, answers.close)
        show_held(counts, runner)
        state = ComponentMetrics.of(self._metrics, compiled.name)
        show_state(state, runner)
        self._lag[halves[0].durable] = state.pending
        return runner

    def _groups(self, route: CompiledRoute) -> GroupStore | None:
        if route.grouping is None:
            return None
        counts = GroupMetrics.of(self._metrics, route.name)
        return GroupStore(self._bus, route.name, route.grouping, counts, bound=self._bound)

    def _second(
        self, route: LoadedRoute, counts: RouteMetrics, answers: Answers, groups: GroupStore | None
    ) -> Consuming:
        """Return what takes groups when they are complete, and messages when they have waited."""
        compiled = route.compiled
        half = Half(route.revision, "group")
        in_order = compiled.resequence is not None
        send = RouteHandler(self._bus, compiled, self._tracing, counts, answers, half)
        handler = (
            send if groups is None else GroupHandler(self._bus, compiled.name, groups, send, counts)
        )
        component = Component(
            kind="group",
            name=compiled.name,
            policy=route.policy,
            batch=1 if in_order else BATCH,
            lanes=1 if in_order else LANES,
            revision=route.revision.name,
        )
        spec = group_consumer(self._bus, compiled.name, one_by_one=in_order)
        return Consuming(self._bus, component, spec, handler, observer(counts))

    def _first(
        self,
        route: LoadedRoute,
        counts: RouteMetrics,
        answers: Answers,
        groups: GroupStore | None,
    ) -> Consuming:
        """Return what takes the messages of a route."""
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
            throttle=route.file.throttle,
            revision=route.revision.name,
        )
        later = None
        if compiled.delay is not None:
            later = Later(self._bus, compiled.name, bound=self._bound)
        half = Half(route.revision, "route", groups, later)
        handler = RouteHandler(self._bus, compiled, self._tracing, counts, answers, half)
        return Consuming(self._bus, component, spec, handler, observer(counts))

    def _forget(self, route: LoadedRoute) -> None:
        self._lag.pop(f"{ROUTE_PREFIX}{route.compiled.name}", None)
        self._metrics.forget(route.compiled.name)
