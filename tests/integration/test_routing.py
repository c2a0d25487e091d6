"""The router service on a real broker: what came in goes where its route says, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from crossdock.contracts import Message, Subjects
from crossdock.contracts.reference import dataschema
from crossdock.mesh import dead_letters, finding, records, redriving
from crossdock.mesh.bus import Bus, Stored
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from crossdock.mesh.telemetry import Metrics, configure_tracing
from crossdock.router.loading import load_router
from crossdock.router.running import Router
from nats_server import NatsServer
from project_folder import write_project
from running_router import rewind, settled

SUBJECTS = Subjects("t")
IN = SUBJECTS.incoming("sales.order.placed")


def order(number: int, country: str = "DE", total: float = 10, **more: object) -> Message:
    data = {"order": f"o{number}", "country": country, "total": total} | more
    return Message(
        id=f"m{number}",
        source="/test",
        type="sales.order.placed",
        dataschema=dataschema("sales.order.placed", "1.0.0"),
        data=msgspec.json.encode(data),
    )


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings())
    yield bus
    await bus.close()


async def started(bus: Bus, folder: Path) -> Router:
    router = Router(
        bus, Metrics(CollectorRegistry(), "t", "router"), configure_tracing("r", "t", 0)
    )
    await router.apply(load_router(folder))
    async with asyncio.timeout(30):
        while router.not_ready():
            await asyncio.sleep(0.01)
    return router


async def sent(bus: Bus, destination: str) -> list[Stored]:
    return [each async for each in bus.read("out", subject=SUBJECTS.outgoing(destination))]


async def entries(bus: Bus, count: int) -> list[records.Entry]:
    """Wait for the entries of so many messages."""
    found: dict[int, records.Entry] = {}
    async with asyncio.timeout(30):
        while len(found) < count:
            async for each in bus.read("record"):
                for entry in records.read(each.data).entries:
                    found[entry.sequence] = entry
            await asyncio.sleep(0.05)
    return list(found.values())


async def test_messages_go_where_the_route_says_and_each_leaves_an_entry_I9(
    bus: Bus, tmp_path: Path
) -> None:
    router = await started(bus, write_project(tmp_path))
    messages = [
        order(n, country="DE" if n % 2 else "FR", total=0 if n % 10 == 0 else n)
        for n in range(1000)
    ]
    await bus.publish_many([(IN, each) for each in messages])
    found = await entries(bus, 1000)
    await router.stop()
    by = {each.outcome: [e for e in found if e.outcome == each.outcome] for each in found}
    eu, world = await sent(bus, "eu"), await sent(bus, "world")
    assert (len(eu), len(world), len(by["filtered"])) == (500, 400, 100)
    assert len(by["routed"]) == 900
    first = Message.from_headers(eu[0].headers, eu[0].data)
    assert first.type == "billing.invoice.requested"
    assert msgspec.json.decode(first.data) == {"order": "o1", "amount": 1}
    assert first.extensions["causationid"] == "m1"


async def test_a_redelivered_parent_makes_the_same_children_once_I4(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    folder = write_project(tmp_path)
    router = await started(bus, folder)
    await bus.publish_many([(IN, order(n)) for n in range(300)])
    await entries(bus, 300)
    await router.stop()
    await rewind(bus, "by-country")
    again = await started(bus, folder)
    await settled(bus, "by-country")
    await again.stop()
    told = [entry async for each in bus.read("record") for entry in records.read(each.data).entries]
    assert len(told) == 600
    ids = [each.headers["ce-id"] for each in await sent(bus, "eu")]
    assert len(ids) == len(set(ids)) == 300
    assert nats_server.process is not None


async def test_what_breaks_a_contract_is_a_dead_letter_with_pointers_and_no_values_I3_I5_I6(
    bus: Bus, tmp_path: Path
) -> None:
    router = await started(bus, write_project(tmp_path))
    await bus.publish(IN, order(1, total=0.5))  # the invoice wants an amount of at least 1
    await bus.publish(IN, order(2, surprise="hunter2"))
    async with asyncio.timeout(30):
        while len(found := [each async for each in dead_letters.listing(bus)]) < 2:
            await asyncio.sleep(0.05)
    await router.stop()
    by_id = {each.message_id: each for each in found}
    (problem,) = by_id["m1"].cause.problems
    assert (problem.pointer, problem.keyword) == ("/amount", "minimum")
    assert "hunter2" not in msgspec.json.encode(by_id["m2"].cause).decode()
    status = await finding.find(bus, "m1")
    assert status is not None
    assert status.state == "dead"


async def test_the_status_of_a_message_tells_route_and_destination(
    bus: Bus, tmp_path: Path
) -> None:
    router = await started(bus, write_project(tmp_path))
    published = await bus.publish(IN, order(1))
    await entries(bus, 1)
    status = await finding.find(bus, "m1", published.sequence)
    assert status is not None
    (route,) = status.routes
    (destination,) = route.destinations
    assert (status.state, route.state, destination.state) == ("accepted", "routed", "pending")
    assert destination.destination == "eu"
    await records.write(bus, "destination", "eu", [records.Entry(destination.id, 1, "delivered")])
    status = await finding.find(bus, "m1")
    assert status is not None
    assert status.state == "done"
    assert await finding.find(bus, "unknown") is None
    await router.stop()


async def test_a_redrive_reaches_only_the_route_that_failed(bus: Bus, tmp_path: Path) -> None:
    router = await started(bus, write_project(tmp_path))
    await bus.publish(IN, order(1, total=0.5))
    async with asyncio.timeout(30):
        while not (found := [each async for each in dead_letters.listing(bus)]):
            await asyncio.sleep(0.05)
    repaired = msgspec.json.encode({"order": "o1", "country": "DE", "total": 5})
    sent_again = redriving.again(bus, found[0], repaired)
    await redriving.redrive(bus, [sent_again], by="test", reason="")
    async with asyncio.timeout(30):
        while not (children := await sent(bus, "eu")):
            await asyncio.sleep(0.05)
    await router.stop()
    assert msgspec.json.decode(children[0].data) == {"order": "o1", "amount": 5}
    assert "crossdock-origin" not in children[0].headers  # what is made of it is itself
    status = await finding.find(bus, "m1")
    assert status is not None
    assert (status.state, status.routes[0].state) == ("accepted", "routed")
    assert [each async for each in dead_letters.listing(bus)] == []


async def test_the_first_routes_take_what_was_accepted_before_them_also_after_a_crash_between(
    bus: Bus, tmp_path: Path
) -> None:
    folder = write_project(tmp_path)
    second = (folder / "routes" / "by-country.yaml").read_text().replace("by-country", "again")
    (folder / "routes" / "again.yaml").write_text(second.replace("world", "eu"))
    await bus.publish(IN, order(1))
    early = Router(bus, Metrics(CollectorRegistry(), "t", "r"), configure_tracing("r", "t", 0))
    early._from_start = True
    first = early._make(load_router(folder).routes["by-country"])
    await first.ensure()  # and then the process ended

    router = await started(bus, folder)
    await entries_of(bus, "again", 1)
    await router.stop()


async def test_a_later_route_begins_with_what_comes_after_it(bus: Bus, tmp_path: Path) -> None:
    folder = write_project(tmp_path)
    router = await started(bus, folder)
    await bus.publish(IN, order(1))
    await entries_of(bus, "by-country", 1)
    second = (folder / "routes" / "by-country.yaml").read_text().replace("by-country", "later")
    (folder / "routes" / "later.yaml").write_text(second)
    await router.apply(load_router(folder))
    async with asyncio.timeout(30):
        while router.not_ready():
            await asyncio.sleep(0.01)
    await bus.publish(IN, order(2))
    (entry,) = await entries_of(bus, "later", 1)
    await router.stop()
    assert entry.id == "m2"


async def entries_of(bus: Bus, route: str, count: int) -> list[records.Entry]:
    found: list[records.Entry] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            found = [
                entry
                async for each in bus.read("record", subject=SUBJECTS.record(route))
                for entry in records.read(each.data).entries
            ]
            await asyncio.sleep(0.05)
    return found
