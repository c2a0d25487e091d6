"""The router service: one durable consumer a route, changed live with the project."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
from prometheus_client import Gauge

from crossdock.mesh.bus import Bus, ConsumerSpec
from crossdock.mesh.claims import Claims
from crossdock.mesh.component import Component
from crossdock.mesh.components import Components
from crossdock.mesh.consuming import Consuming
from crossdock.mesh.control import Controls, Seen
from crossdock.mesh.control.reporting import seen_of
from crossdock.mesh.dead_letters import redrive_subject
from crossdock.mesh.finding import ROUTE_PREFIX
from crossdock.mesh.groups import GroupStore
from crossdock.mesh.later import Later
from crossdock.mesh.observing import observer, show_held, show_permit, show_state
from crossdock.mesh.ordering import consuming_of, show_order
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
from crossdock.router.ordering import route_key, turn_key
from crossdock.router.processes.running import Processes
from crossdock.router.python_steps.loading import Functions
from crossdock.router.python_steps.process import StepProcess

LANES = 2  # one batch is decided while another waits for its PubAck


class Router:
    """All routes of one process. Any number of processes share the work."""

    def __init__(
        self, bus: Bus, metrics: Metrics, tracing: Tracing, controls: Controls | None = None
    ) -> None:
        self._bus = bus
        self._controls = controls or Controls(bus)
        self._metrics = metrics
        self._tracing = tracing
        self._from_start = False
        self._folder = Path()
        self._functions: StepProcess | None = None
        self._known_functions: Functions | None = None
        self._bound = 0
        self._components: Components[LoadedRoute, Halves] = Components(self._make, self._forget)
        self._lag: dict[str, Gauge] = {}
        self._processes = Processes(bus, metrics, tracing, self._controls)

    async def apply(self, project: RouterProject) -> None:
        """Run exactly these routes and processes.

        Raises:
            Disconnected: The broker does not answer.
        """
        begun = await has_begun(self._bus)
        self._from_start = not begun
        self._folder = project.folder
        before = self._replace_functions(project)
        self._bound = int(project.mesh.broker.max_bytes)
        await self._components.apply(project.routes)
        await self._processes.apply(
            project.processes, bound=self._bound, from_start=self._from_start
        )
        if before is not None:
            await before.stop()
        if not begun and (project.routes or project.processes):
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
        """Say which routes and processes are not ready; None when all are."""
        found = (self._components.not_ready(), self._processes.not_ready())
        return "; ".join(each for each in found if each) or None

    def lags(self) -> dict[str, Gauge]:
        """Return by durable consumer the gauge of what it has still to settle."""
        return self._lag | self._processes.lags()

    def seen(self) -> list[Seen]:
        """Return how each route and process is, for who asks."""
        found = []
        for route, runner in self._components.running():
            seen = seen_of("route", route.compiled.name, runner)
            detours = self._detours(route.compiled)()
            found.append(msgspec.structs.replace(seen, detours=detours))
        return [*found, *self._processes.seen()]

    async def stop(self) -> None:
        """Stop, each route and process finishing what it has begun."""
        await asyncio.gather(self._components.stop(), self._processes.stop())
        if self._functions is not None:
            await self._functions.stop()

    async def _begin(self) -> None:
        """Make the consumers of the first routes, then remember that they are there.

        A new route begins with the messages that come after it, but the first routes of a mesh
        take what the door has accepted before they were there: nothing accepted is passed over,
        also when this process ends between two of them.
        """
        await asyncio.gather(*(each.ensure() for each in self._components.runners()))
        await self._processes.ensure()
        await set_begun(self._bus)

    def _make(self, route: LoadedRoute) -> Halves:
        compiled = route.compiled
        counts = RouteMetrics.of(self._metrics, compiled.name)
        clients = Clients(route.calls, self._folder)
        claims = Claims(self._bus, compiled.name)
        answers = Answers(self._bus, clients, claims, self._functions)
        groups = self._groups(compiled)
        halves = [self._first(route, counts, answers, groups)]
        if groups is not None or compiled.delay is not None:
            halves.append(self._second(route, counts, answers, groups))
        runner = Halves(halves, answers.close)
        show_held(counts, runner)
        state = ComponentMetrics.of(self._metrics, compiled.name)
        show_state(state, runner)
        show_permit(state, runner.permit)
        self._lag[halves[0].durable] = state.pending
        return runner

    def _detours(self, route: CompiledRoute) -> Callable[[], dict[str, bool]]:
        return lambda: self._controls.detours(route.name, route.detours)

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
        half = Half(route.revision, "group", detours=self._detours(compiled))
        send = RouteHandler(self._bus, compiled, self._tracing, counts, answers, half)
        handler = (
            send if groups is None else GroupHandler(self._bus, compiled.name, groups, send, counts)
        )
        component = Component(
            done=send.done,
            kind="group",
            name=compiled.name,
            policy=route.policy,
            batch=BATCH,
            lanes=LANES,
            key=turn_key if compiled.resequence is not None else None,
            revision=route.revision.name,
        )
        permit = self._controls.permit("route", compiled.name)
        spec = group_consumer(self._bus, compiled.name)
        made = consuming_of(self._bus, component, spec, handler, observer(counts), permit)
        show_order(self._metrics, compiled.name, made)
        return made

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
        accepted = tuple(subjects.incoming(name) for name in contracts)
        spec = ConsumerSpec(
            stream=subjects.stream("in"),
            durable=f"{ROUTE_PREFIX}{compiled.name}",
            filters=(
                *((subjects.stop(compiled.name),) if compiled.is_stop else accepted),
                redrive_subject(self._bus, compiled.name),
            ),
            from_start=self._from_start,
        )
        later = None
        if compiled.delay is not None:
            later = Later(self._bus, compiled.name, bound=self._bound)
        half = Half(route.revision, "route", groups, self._detours(compiled), later)
        handler = RouteHandler(self._bus, compiled, self._tracing, counts, answers, half)
        component = Component(
            done=handler.done,
            kind="route",
            name=compiled.name,
            policy=route.policy,
            lanes=LANES,
            throttle=route.file.throttle,
            key=route_key(compiled),
            runs=True,
            revision=route.revision.name,
        )
        permit = self._controls.permit("route", compiled.name)
        made = consuming_of(self._bus, component, spec, handler, observer(counts), permit)
        show_order(self._metrics, compiled.name, made)
        return made

    def _forget(self, route: LoadedRoute) -> None:
        self._lag.pop(f"{ROUTE_PREFIX}{route.compiled.name}", None)
        self._metrics.forget(route.compiled.name)
