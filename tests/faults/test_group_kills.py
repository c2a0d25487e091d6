"""Routers that are killed while messages come together: each group goes on once and whole."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aggregating_project import DELAYING, RESEQUENCING, ROUTE, line, write_aggregating
from crossdock.contracts import Message, Subjects
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus
from crossdock.mesh.ledger import balance
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from faults.processes import ServiceProcess
from faults.scale import Scale, scale
from nats_server import NatsServer

SUBJECTS = Subjects("t")
HELD = ("received:3", "held:2", "recorded:3", "published:3", "held:1", "published:1")
POINTS = ("received:3", "grouped:2", "recorded:3", "published:3", "grouped:1", "published:1")


def router(name: str, url: str, folder: Path, logs: Path) -> ServiceProcess:
    return ServiceProcess(name, ("router", "--project", str(folder), "--nats", url), logs)


async def sent(bus: Bus) -> dict[str, list[Message]]:
    """Return by destination what is there."""
    found: dict[str, list[Message]] = {"book": [], "late": []}
    for destination, messages in found.items():
        async for each in bus.read("out", subject=SUBJECTS.outgoing(destination)):
            messages.append(Message.from_headers(each.headers, each.data))
    return found


async def until_sent(bus: Bus, book: int, late: int, within: float) -> dict[str, list[Message]]:
    async with asyncio.timeout(within):
        while True:
            found = await sent(bus)
            if len(found["book"]) >= book and len(found["late"]) >= late:
                return found
            await asyncio.sleep(0.1)


async def settled(bus: Bus, within: float) -> None:
    """Wait until nothing is left that could still be sent."""
    async with asyncio.timeout(within):
        while True:
            consumers = [*await bus.consumers("in"), *await bus.consumers("group")]
            if not any(each.lag for each in consumers):
                return
            await asyncio.sleep(0.1)


@pytest.mark.fault
@pytest.mark.timeout(400)
async def test_two_replicas_and_kills_at_every_step_make_each_order_once(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    """Each of the orders has three lines; a tenth of them never gets its last one."""
    row = scale(messages=1500, kills=len(POINTS))
    route = ROUTE.replace("timeout: 30s", "timeout: 40s")
    folder = write_aggregating(tmp_path / "project", route=route)
    async with _bus(nats_server) as bus:
        enough = asyncio.Event()
        publishing = asyncio.create_task(_publish(bus, row, enough))
        async with _killed(nats_server, folder, tmp_path, row):
            enough.set()
            orders = await publishing
            partial = len(range(0, orders, 10))
            await until_sent(bus, orders - partial, partial, row.patience)
            await settled(bus, row.patience)
        found = await sent(bus)
        letters = [each.cause.reason async for each in dead_letters.listing(bus)]
    assert letters == []
    whole = Counter(each["order"] for each in _data(found["book"]))
    parts = Counter(each["order"] for each in _data(found["late"]))
    assert whole == {f"o{order}": 1 for order in range(orders) if order % 10}
    assert parts == {f"o{order}": 1 for order in range(0, orders, 10)}
    assert {tuple(each["lines"]) for each in _data(found["book"])} == {(1, 2, 3)}
    assert {tuple(each["lines"]) for each in _data(found["late"])} == {(1, 2)}


@pytest.mark.fault
@pytest.mark.timeout(400)
async def test_two_replicas_and_kills_at_every_step_keep_each_order_in_its_order(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    row = scale(messages=1500, kills=len(POINTS))
    route = RESEQUENCING.replace("gap: 1s", "gap: 10m")
    folder = write_aggregating(tmp_path / "project", route=route)
    async with _bus(nats_server) as bus:
        enough = asyncio.Event()
        publishing = asyncio.create_task(_publish(bus, row, enough, whole=True))
        async with _killed(nats_server, folder, tmp_path, row):
            enough.set()
            orders = await publishing
            await until_sent(bus, 3 * orders, 0, row.patience)
            await settled(bus, row.patience)
        found = _data((await sent(bus))["book"])
        letters = [each.cause.reason async for each in dead_letters.listing(bus)]
    assert letters == []
    by_order: dict[str, list[int]] = {}
    for each in found:
        by_order.setdefault(each["order"], []).append(each["line"])
    assert by_order == {f"o{order}": [1, 2, 3] for order in range(orders)}


@pytest.mark.fault
@pytest.mark.timeout(400)
async def test_two_replicas_and_kills_at_every_step_send_each_message_that_waits_once(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    row = scale(messages=1500, kills=len(HELD))
    folder = write_aggregating(tmp_path / "project", route=DELAYING)
    async with _bus(nats_server) as bus:
        enough = asyncio.Event()
        publishing = asyncio.create_task(_publish(bus, row, enough, whole=True))
        async with _killed(nats_server, folder, tmp_path, row, HELD):
            enough.set()
            orders = await publishing
            await until_sent(bus, 3 * orders, 0, row.patience)
            await settled(bus, row.patience)
            (line,) = [each for each in await balance(bus) if each.kind == "route"]
        found = Counter((each["order"], each["line"]) for each in _data((await sent(bus))["book"]))
        letters = [each.cause.reason async for each in dead_letters.listing(bus)]
    assert letters == []
    assert found == {(f"o{order}", at): 1 for order in range(orders) for at in (1, 2, 3)}
    assert (line.in_flight, line.missing, line.out) == (0, 0, 3 * orders)


@asynccontextmanager
async def _bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    try:
        await provision(bus, BrokerSettings())
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def _killed(
    nats_server: NatsServer,
    folder: Path,
    logs: Path,
    row: Scale,
    points: tuple[str, ...] = POINTS,
) -> AsyncIterator[None]:
    """Run two routers, and end them at each point in turn; then both run on."""
    replicas = [router(f"r{n}", nats_server.url, folder, logs) for n in range(2)]
    try:
        for each in replicas:
            await each.start()
        for number in range(max(row.kills, len(points))):
            victim, point = replicas[number % 2], points[number % len(points)]
            await victim.kill()
            await victim.start(point)
            assert await victim.ended(30) == 137, f"{victim.name} never came to {point}"
            await victim.start()
        yield
    finally:
        for each in replicas:
            await each.close()


async def _publish(bus: Bus, row: Scale, enough: asyncio.Event, *, whole: bool = False) -> int:
    """Publish lines of orders, mixed, until it is enough; return how many orders there are."""
    chance = random.Random(row.seed)  # noqa: S311 - to repeat a run
    subject = SUBJECTS.incoming("sales.line.ordered")
    orders = 0
    while not enough.is_set() or 3 * orders < row.messages:
        lines = [
            line(f"o{order}", number, 3)
            for order in range(orders, orders + 20)
            for number in ((1, 2, 3) if whole or order % 10 else (1, 2))
        ]
        chance.shuffle(lines)
        for start in range(0, len(lines), 10):
            await bus.publish_many([(subject, each) for each in lines[start : start + 10]])
            await asyncio.sleep(0.05)
        orders += 20
    return orders


def _data(messages: list[Message]) -> list[dict[str, Any]]:
    return [msgspec.json.decode(each.data) for each in messages]
