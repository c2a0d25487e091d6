"""A router on a real broker, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import indent

import msgspec
from prometheus_client import CollectorRegistry

from crossdock.contracts import Message, Subjects
from crossdock.contracts.reference import dataschema
from crossdock.mesh import records
from crossdock.mesh.bus import Bus, ConsumerSpec, Stored
from crossdock.mesh.dead_letters import redrive_subject
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
    async with asyncio.timeout(30):
        while router.not_ready():
            await asyncio.sleep(0.01)
    return router


def project(folder: Path, steps: str, *, name: str = "r", policy: str = "{}") -> Path:
    write(folder, "mesh.yaml", f"mesh: t\npolicies: {{standard: {policy}}}\n")
    write_contract(folder, ORDER, {"type": "object"})
    head = f"route: {name}\naccepts: {ORDER}\nsend: [{{to: book}}]\nsteps:\n"
    write(folder, f"routes/{name}.yaml", head + indent(steps, "  "))
    return folder


def order(number: int, data: Json, extensions: dict[str, str] | None = None) -> Message:
    return Message(
        id=f"m{number}",
        source="/test",
        type=ORDER,
        dataschema=dataschema(ORDER, "1.0.0"),
        data=msgspec.json.encode(data),
        extensions=extensions or {},
    )


async def put(bus: Bus, number: int, data: Json, **extensions: str) -> None:
    await bus.publish(SUBJECTS.incoming(ORDER), order(number, data, extensions))


async def settled(bus: Bus, name: str = "r") -> None:
    """Wait until the route has settled everything that is stored for it.

    The server counts a message as pending a moment after its PubAck; so the floor counts, too.
    """
    async with asyncio.timeout(30):
        while True:
            info = await bus.jetstream.consumer_info("t-in", f"route-{name}")
            if not info.num_pending and not info.num_ack_pending:
                assert info.ack_floor is not None
                if info.ack_floor.stream_seq >= await newest(
                    bus, info.config.filter_subjects or ()
                ):
                    return
            await asyncio.sleep(0.02)


async def newest(bus: Bus, subjects: Iterable[str]) -> int:
    """Return the sequence of the newest message that came in on one of the subjects."""
    found = [await bus.read_newest("in", subject) for subject in subjects]
    return max((each.sequence for each in found if each is not None), default=0)


async def rewind(bus: Bus, name: str = "r") -> None:
    """Let a route that is stopped take everything once more."""
    durable = f"route-{name}"
    await bus.jetstream.delete_consumer("t-in", durable)
    filters = (SUBJECTS.incoming(ORDER), redrive_subject(bus, name))
    spec = ConsumerSpec(stream="t-in", durable=durable, filters=filters, from_start=True)
    await bus.puller(spec).ensure()


async def in_book(bus: Bus) -> list[Stored]:
    return [each async for each in bus.read("out", subject=SUBJECTS.outgoing("book"))]


async def entries(bus: Bus) -> list[records.Entry]:
    stored = [each async for each in bus.read("record")]
    return [entry for each in stored for entry in records.read(each.data).entries]


async def stop(router: Router, bus: Bus) -> None:
    await settled(bus)
    await router.stop()


@asynccontextmanager
async def running_router(bus: Bus, folder: Path) -> AsyncIterator[Router]:
    """Run the routes of a project."""
    router = await started(bus, folder)
    try:
        yield router
    finally:
        await router.stop()


async def entries_of(bus: Bus, component: str, count: int) -> list[records.Entry]:
    """Return the entries of a component as soon as there are so many."""
    async with asyncio.timeout(30):
        while True:
            found = [
                entry
                async for each in bus.read("record", subject=SUBJECTS.record(component))
                for entry in records.read(each.data).entries
            ]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)
