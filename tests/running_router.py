"""A router on a real broker, for tests."""

from __future__ import annotations

import asyncio
from pathlib import Path
from textwrap import indent

import msgspec
from prometheus_client import CollectorRegistry

from crossdock.contracts import Message, Subjects
from crossdock.contracts.reference import dataschema
from crossdock.mesh import records
from crossdock.mesh.bus import Bus, Stored
from crossdock.mesh.expression import Json
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from crossdock.mesh.telemetry import Metrics, configure_tracing
from crossdock.router.loading import load_router
from crossdock.router.running import Router
from project_folder import write, write_contract

SUBJECTS = Subjects("t")
ORDER = "sales.order.placed"


async def connected(url: str) -> Bus:
    """Return a bus on a broker that has the streams."""
    bus = await Bus.connect(url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings())
    return bus


async def started(bus: Bus, folder: Path) -> Router:
    """Return a router that runs the routes of a project."""
    mesh = bus.subjects.mesh
    router = Router(
        bus, Metrics(CollectorRegistry(), mesh, "router"), configure_tracing("r", mesh, 0)
    )
    await router.apply(load_router(folder))
    async with asyncio.timeout(10):
        while router.not_ready():
            await asyncio.sleep(0.01)
    return router


def project(folder: Path, steps: str, *, name: str = "r", policy: str = "{}") -> Path:
    write(folder, "mesh.yaml", f"mesh: t\npolicies: {{standard: {policy}}}\n")
    write_contract(folder, ORDER, {"type": "object"})
    head = f"route: {name}\naccepts: {ORDER}\nsend: [{{to: book}}]\nsteps:\n"
    write(folder, f"routes/{name}.yaml", head + indent(steps, "  "))
    return folder


async def put(bus: Bus, number: int, data: Json, **extensions: str) -> None:
    message = Message(
        id=f"m{number}",
        source="/test",
        type=ORDER,
        dataschema=dataschema(ORDER, "1.0.0"),
        data=msgspec.json.encode(data),
        extensions=extensions,
    )
    await bus.publish(SUBJECTS.incoming(ORDER), message)


async def settled(bus: Bus, name: str = "r") -> None:
    """Wait until the route has settled everything."""
    async with asyncio.timeout(30):
        while True:
            info = await bus.jetstream.consumer_info("t-in", f"route-{name}")
            if not info.num_pending and not info.num_ack_pending:
                return
            await asyncio.sleep(0.02)


async def in_book(bus: Bus) -> list[Stored]:
    return [each async for each in bus.read("out", subject=SUBJECTS.outgoing("book"))]


async def entries(bus: Bus) -> list[records.Entry]:
    stored = [each async for each in bus.read("record")]
    return [entry for each in stored for entry in records.read(each.data).entries]


async def stop(router: Router, bus: Bus) -> None:
    await settled(bus)
    await router.stop()
