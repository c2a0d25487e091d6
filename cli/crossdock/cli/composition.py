"""Where each service is put together from its parts: the only place where they all meet."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterable
from pathlib import Path

import msgspec

from crossdock.cli.following import beside, check_change, follow_project
from crossdock.contracts import Halt, Registry
from crossdock.mesh.janitor import Janitor
from crossdock.mesh.lag import follow_lag
from crossdock.mesh.ledger_watch import LedgerWatch
from crossdock.mesh.project.scalars import Secret
from crossdock.mesh.project.settings import MeshFile
from crossdock.mesh.service import Running, Service, run_service
from crossdock.mesh.watching import LastGood


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a service runs.

    Attributes:
        project: The project folder.
        nats: URL of the broker, with credentials.
        ops: ``HOST:PORT`` for operators; None for none.
    """

    project: Path
    nats: Secret
    ops: str | None

    def service(self, name: str, mesh: MeshFile) -> Service:
        """Describe the process of a service."""
        instance = f"{name}-{socket.gethostname()}-{os.getpid()}"
        return Service(name=name, instance=instance, mesh=mesh, url=self.nats, ops=self.ops)


def run_router(place: Place) -> int:
    """Run every route of the project; return the exit code.

    Raises:
        Halt: The project cannot be used.
    """
    from crossdock.router.loading import load_router
    from crossdock.router.running import Router

    project = LastGood(place.project, load_router, check_change)

    async def work(running: Running) -> None:
        router = Router(running.bus, running.metrics, running.tracing)
        running.health.checks["routes"] = router.not_ready
        janitor = Janitor(running.bus, project.value.mesh.broker)
        ledger = LedgerWatch(running.bus, running.metrics)
        lag = follow_lag(running.bus, ["in"], router.lags)
        async with beside(janitor.run(), ledger.run(), lag):
            try:
                await follow_project(running, project, router.apply)
            finally:
                await router.stop()

    return run_service(place.service("router", project.value.mesh), work)


def run_workers(place: Place, group: str | None, names: tuple[str, ...]) -> int:
    """Run workers of the project, those of a group or of these names or all; return the exit code.

    Raises:
        Halt: The project cannot be used, or has no worker of such a name.
    """
    from crossdock.workers.loading import WorkersProject, load_workers
    from crossdock.workers.running import Workers

    def load(folder: Path) -> WorkersProject:
        found = load_workers(folder, group=group)
        if not names:
            return found
        missing = sorted(set(names) - found.workers.keys())
        if missing:
            raise Halt(f"the project has no worker {missing[0]!r}; it has {_listed(found.workers)}")
        chosen = {name: each for name, each in found.workers.items() if name in names}
        return msgspec.structs.replace(found, workers=chosen)

    project = LastGood(place.project, load, check_change)

    async def work(running: Running) -> None:
        workers = Workers(running.bus, place.project, running.metrics, running.tracing)
        running.health.checks["workers"] = workers.not_ready
        async with beside(follow_lag(running.bus, ["out"], workers.lags)):
            try:
                await follow_project(running, project, workers.apply)
            finally:
                await workers.stop()

    return run_service(place.service("worker", project.value.mesh), work)


def run_gateway(place: Place, listen: str | None) -> int:
    """Run the gateway; return the exit code.

    Args:
        place: Where it runs.
        listen: Address instead of the project's.

    Raises:
        Halt: The project cannot be used.
    """
    from crossdock.gateway.api import Api, load_apis
    from crossdock.gateway.app import Gateway
    from crossdock.gateway.client_file import load_clients
    from crossdock.gateway.clients import Clients
    from crossdock.gateway.doors import Doors
    from crossdock.gateway.running import serve
    from crossdock.mesh.project.contract_files import load_contracts
    from crossdock.mesh.project.loading import load_mesh
    from crossdock.mesh.telemetry import GatewayMetrics

    mesh = load_mesh(place.project)
    settings = mesh.gateway
    if listen is not None:
        settings = msgspec.structs.replace(settings, listen=listen)

    def load(folder: Path) -> tuple[Registry, Clients, tuple[Api, ...]]:
        clients = Clients(load_clients(folder), anonymous=settings.anonymous)
        registry = load_contracts(folder)
        return registry, clients, load_apis(folder, registry)

    project = LastGood(place.project, load, check_change)

    async def work(running: Running) -> None:
        registry, clients, apis = project.value
        gateway = Gateway(
            running.bus,
            Doors(registry, clients, running.bus.subjects, apis),
            settings,
            health=running.health,
            metrics=GatewayMetrics.of(running.metrics),
            tracing=running.tracing,
        )

        async def apply(content: tuple[Registry, Clients, tuple[Api, ...]]) -> None:
            gateway.replace(*content)

        async with asyncio.TaskGroup() as tasks:
            listening = asyncio.Event()
            tasks.create_task(serve(gateway, settings, running.stop, lambda _: listening.set()))
            await listening.wait()
            tasks.create_task(follow_project(running, project, apply))

    return run_service(place.service("gateway", mesh), work)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
