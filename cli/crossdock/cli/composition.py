"""Where each service is put together from its parts: the only place where they all meet."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterable
from pathlib import Path

import msgspec

from crossdock.cli.controlling import controlled, known
from crossdock.cli.following import beside, check_change, follow_project
from crossdock.contracts import Halt
from crossdock.mesh.control import Controls
from crossdock.mesh.janitor import Janitor
from crossdock.mesh.lag import follow_lag
from crossdock.mesh.last_good import LastGood, Source
from crossdock.mesh.ledger_watch import LedgerWatch
from crossdock.mesh.project.scalars import Secret
from crossdock.mesh.project.settings import MeshFile
from crossdock.mesh.service import Running, Service, run_service
from crossdock.mesh.telemetry import DataMetrics


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a service runs.

    Attributes:
        source: Where the project comes from.
        folder: Where relative paths of workers and of secrets begin.
        live: Name of the mesh whose registry is followed; None for none.
        nats: URL of the broker, with credentials.
        ops: ``HOST:PORT`` for operators; None for none.
    """

    source: Source
    folder: Path
    live: str | None
    nats: Secret
    ops: str | None

    def service(self, name: str, mesh: MeshFile) -> Service:
        """Describe the process of a service.

        Raises:
            Halt: The mesh is not the one whose registry is followed.
        """
        if self.live not in (None, mesh.mesh):
            raise Halt(f"what was applied to {self.live} says that it is of mesh {mesh.mesh}")
        instance = f"{name}-{socket.gethostname()}-{os.getpid()}"
        return Service(name=name, instance=instance, mesh=mesh, url=self.nats, ops=self.ops)


def run_router(place: Place) -> int:
    """Run every route of the project; return the exit code.

    Raises:
        Halt: The project cannot be used.
    """
    from crossdock.router.loading import RouterProject, load_router
    from crossdock.router.running import Router

    before: RouterProject | None = None

    def load(folder: Path) -> RouterProject:
        nonlocal before
        before = msgspec.structs.replace(load_router(folder, before), folder=place.folder)
        return before

    project = LastGood(place.source, load, check_change)
    service = place.service("router", project.value.mesh)

    async def work(running: Running) -> None:
        controls = Controls(running.bus)
        if not await known(controls, running.stop):
            return
        router = Router(running.bus, running.metrics, running.tracing, controls)
        running.health.checks["routes"] = router.not_ready
        data = DataMetrics.of(running.metrics)
        janitor = Janitor(running.bus, project.value.mesh.broker, data)
        ledger = LedgerWatch(running.bus, running.metrics)
        lag = follow_lag(running.bus, ["in"], router.lags)
        async with (
            controlled(running, controls, router.seen),
            beside(janitor.run(), ledger.run(), lag),
        ):
            try:
                await follow_project(service, running, project, router.apply)
            finally:
                await router.stop()

    return run_service(service, work)


def run_workers(place: Place, group: str | None, names: tuple[str, ...]) -> int:
    """Run workers of the project, those of a group or of these names or all; return the exit code.

    Raises:
        Halt: The project cannot be used, or has no worker of such a name.
    """
    from crossdock.workers.loading import WorkersProject, load_workers
    from crossdock.workers.running import Workers

    def load(folder: Path) -> WorkersProject:
        found = load_workers(folder, group=group, beside=place.folder)
        if not names:
            return found
        missing = sorted(set(names) - found.workers.keys())
        if missing:
            raise Halt(f"the project has no worker {missing[0]!r}; it has {_listed(found.workers)}")
        chosen = {name: each for name, each in found.workers.items() if name in names}
        return msgspec.structs.replace(found, workers=chosen)

    project = LastGood(place.source, load, check_change)
    service = place.service("worker", project.value.mesh)

    async def work(running: Running) -> None:
        controls = Controls(running.bus)
        if not await known(controls, running.stop):
            return
        workers = Workers(running.bus, place.folder, running.metrics, running.tracing, controls)
        running.health.checks["workers"] = workers.not_ready
        lag = follow_lag(running.bus, ["out"], workers.lags)
        async with controlled(running, controls, workers.seen), beside(lag):
            try:
                await follow_project(service, running, project, workers.apply)
            finally:
                await workers.stop()

    return run_service(service, work)


def run_gateway(place: Place, listen: str | None) -> int:
    """Run the gateway; return the exit code.

    Args:
        place: Where it runs.
        listen: Address instead of the project's.

    Raises:
        Halt: The project cannot be used.
    """
    from crossdock.cli.describing import describe
    from crossdock.gateway.app import Gateway
    from crossdock.gateway.clients import Clients
    from crossdock.gateway.doors import Doors
    from crossdock.gateway.loading import GatewayProject, load_gateway
    from crossdock.gateway.running import serve
    from crossdock.mesh.catalogue.description import Describe
    from crossdock.mesh.telemetry import GatewayMetrics

    project = LastGood(place.source, load_gateway, check_change)
    settings = project.value.mesh.door
    if listen is not None:
        settings = msgspec.structs.replace(settings, listen=listen)
    service = place.service("gateway", project.value.mesh)

    def callers(found: GatewayProject) -> Clients:
        # `anonymous` stays as it was when the address to listen on was chosen.
        return Clients(found.clients, anonymous=settings.anonymous)

    def describing(found: GatewayProject) -> Describe:
        return lambda: describe(found.folder, found.mesh, found.registry)

    async def work(running: Running) -> None:
        now = project.value
        subjects = running.bus.subjects
        gateway = Gateway(
            running.bus,
            Doors(now.registry, callers(now), subjects, now.apis, describing(now)),
            settings,
            health=running.health,
            metrics=GatewayMetrics.of(running.metrics),
            tracing=running.tracing,
        )

        async def apply(found: GatewayProject) -> None:
            gateway.replace(found.registry, callers(found), found.apis, describing(found))

        async with asyncio.TaskGroup() as tasks:
            listening = asyncio.Event()
            tasks.create_task(serve(gateway, settings, running.stop, lambda _: listening.set()))
            await listening.wait()
            tasks.create_task(follow_project(service, running, project, apply))

    return run_service(service, work)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
