"""Resequencer on a real broker: messages of a key go on in the order of their numbers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from aggregating_project import RESEQUENCING, line, write_aggregating
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from nats_server import NatsServer
from project_folder import write
from running_router import SUBJECTS, in_book, running_router

IN = SUBJECTS.incoming("sales.line.ordered")


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings())
    yield bus
    await bus.close()


async def booked(bus: Bus, count: int) -> list[tuple[str, int]]:
    """Wait until so many are sent; return order and number of each."""
    async with asyncio.timeout(60):
        while len(found := await in_book(bus)) < count:
            await asyncio.sleep(0.05)
    data = [msgspec.json.decode(each.data) for each in found]
    return [(each["order"], each["line"]) for each in data]


async def test_messages_of_a_key_are_sent_in_their_order_by_two_replicas(
    bus: Bus, tmp_path: Path
) -> None:
    folder = write_aggregating(tmp_path, route=RESEQUENCING)
    lines = [line(f"o{order}", number, 50) for order in range(20) for number in range(1, 51)]
    random.Random(1).shuffle(lines)  # noqa: S311 - to repeat a run
    async with running_router(bus, folder), running_router(bus, folder):
        await bus.publish_many([(IN, each) for each in lines])
        found = await booked(bus, 1000)
    for order in range(20):
        assert [n for name, n in found if name == f"o{order}"] == list(range(1, 51))
    (first,) = (each for each in await in_book(bus) if b'"o0","line":1,' in each.data)
    assert first.headers["ce-causationid"] == "o0-1"
    assert first.headers["ce-type"] == "sales.line.ordered"


async def test_a_gap_is_given_up_and_who_comes_late_is_a_dead_letter(
    bus: Bus, tmp_path: Path
) -> None:
    folder = write_aggregating(tmp_path, route=RESEQUENCING)
    async with running_router(bus, folder):
        await bus.publish_many([(IN, line("o1", number, 3)) for number in (3, 2)])
        assert await booked(bus, 2) == [("o1", 2), ("o1", 3)]
        await bus.publish_many([(IN, line("o1", number, 3)) for number in (1, 4)])
        assert (await booked(bus, 3))[2] == ("o1", 4)
        async with asyncio.timeout(60):
            while not (letters := [each async for each in dead_letters.listing(bus)]):
                await asyncio.sleep(0.05)
    assert [each.message_id for each in letters] == ["o1-1"]
    assert letters[0].cause.reason == "comes after the gap at number 1 was given up"


PATIENT = """
    route: orders
    accepts: sales.line.ordered
    resequence: {by: order, number: line, gap: 10m}
    steps:
      - python: wait
    send:
      - to: book
"""
WAIT = """
from pathlib import Path

from crossdock.contracts import Retry
from crossdock.router.python_steps import step

@step(accepts="sales.line.ordered", emits="sales.line.ordered")
def wait(data):
    if data["order"] == "slow" and not Path(GATE).exists():
        raise Retry("not yet")
    return data
"""


async def test_a_key_that_is_tried_again_keeps_its_order_and_holds_up_no_other(
    bus: Bus, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    folder = write_aggregating(tmp_path, route=PATIENT)
    delays = "[100ms, 200ms, 400ms, 1s]"
    policy = f"{{attempts: 500, delays: {delays}}}"
    write(folder, "mesh.yaml", f"mesh: t\npolicies: {{standard: {policy}}}\n")
    write(folder, "steps/own.py", WAIT.replace("GATE", repr(str(gate))))
    lines = [line(name, number, 20) for number in range(1, 21) for name in ("slow", "a", "b")]
    async with running_router(bus, folder), running_router(bus, folder):
        await bus.publish_many([(IN, each) for each in lines])
        others = await booked(bus, 40)
        assert {name for name, _ in others} == {"a", "b"}
        gate.touch()
        found = await booked(bus, 60)
    for name in ("slow", "a", "b"):
        assert [n for each, n in found if each == name] == list(range(1, 21))
