"""Routers that are killed while processes run: each ends once, and money and stock balance."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from crossdock.contracts import Subjects
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus
from crossdock.mesh.ledger import balance
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from crossdock.router.processes.counting import instances
from faults.fulfilling import KINDS, Books, World, wrong
from faults.processes import ServiceProcess
from faults.scale import scale
from fulfilment import PROCESS, told, write_fulfilment
from nats_server import NatsServer

SUBJECTS = Subjects("t")
POINTS = ("received:3", "grouped:2", "published:2", "recorded:4")
SABOTAGED = (str(Path(__file__).parents[1] / "programs" / "sabotaged_service.py"),)
TIMED = PROCESS.replace("after: 30m", "after: 6s").replace("within: 2s", "within: 10m")

pytestmark = pytest.mark.fault


def router(name: str, url: str, folder: Path, logs: Path) -> ServiceProcess:
    return ServiceProcess(name, ("router", "--project", str(folder), "--nats", url), logs)


@asynccontextmanager
async def running(url: str) -> AsyncIterator[tuple[Bus, World]]:
    """Stock and bank on a broker."""
    bus = await Bus.connect(url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings())
    world = World(bus)
    task = asyncio.create_task(world.run())
    try:
        yield bus, world
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await bus.close()


async def place(bus: Bus, first: int, last: int, pause: float = 0.0) -> None:
    for number in range(first, last):
        order = told("sales.order.placed", f"o{number}")
        await bus.publish(SUBJECTS.incoming(order.type), order)
        await asyncio.sleep(pause)


async def ends(bus: Bus) -> dict[str, list[str]]:
    """Return for each order in which states it ended, as its story tells."""
    found: dict[str, list[str]] = defaultdict(list)
    async for _, each in instances(bus, "fulfilment"):
        if each.phase == "ended":
            found[str(each.key)].append(each.state)
    return found


async def at_rest(bus: Bus, orders: int, within: float) -> None:
    """Wait until each order has ended and nothing waits any more."""
    async with asyncio.timeout(within):
        while True:
            left = [*await bus.consumers("in"), *await bus.consumers("group")]
            open_ = [1 async for _, each in instances(bus, "fulfilment") if not each.is_over]
            total = len(await ends(bus))
            if total >= orders and not open_ and not any(each.lag for each in left):
                return
            await asyncio.sleep(0.2)


@pytest.mark.timeout(400)
async def test_two_replicas_and_kills_at_every_step_end_each_order_once_and_all_balances_I4(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    row = scale(messages=100, kills=len(POINTS))
    folder = write_fulfilment(tmp_path / "project", process=TIMED)
    replicas = [router(f"r{n}", nats_server.url, folder, tmp_path) for n in range(2)]
    orders = 0
    async with running(nats_server.url) as (bus, world):
        try:
            for each in replicas:
                await each.start()
            for number in range(max(row.kills, len(POINTS))):
                victim, point = replicas[number % 2], POINTS[number % len(POINTS)]
                await victim.kill()
                await victim.start(point)
                ended = asyncio.create_task(victim.ended(90))
                while not ended.done():
                    await place(bus, orders, orders + KINDS, 0.08)
                    orders += KINDS
                assert ended.result() == 137, f"{victim.name} never came to {point}"
                await victim.start()
            if orders < row.messages:
                await place(bus, orders, row.messages)
                orders = row.messages
            await at_rest(bus, orders, 2 * row.patience)
            found = await ends(bus)
            letters = [each.cause.reason async for each in dead_letters.listing(bus)]
            (line,) = await balance(bus)
        finally:
            for each in replicas:
                await each.close()
    assert letters == []
    assert wrong(orders, world.books, found) == []
    assert line.balanced
    assert (line.in_flight, line.dead) == (0, 0)
    assert ["done"] in found.values()


@pytest.mark.timeout(400)
async def test_command_ids_that_are_made_anew_make_second_effects(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    """Negative control: a crash between sending and settling then sends other messages."""
    folder = write_fulfilment(tmp_path / "project", process=TIMED)
    victim = router("r", nats_server.url, folder, tmp_path)
    victim.program = (*SABOTAGED, "fresh-command-ids")
    async with running(nats_server.url) as (bus, world):
        try:
            await place(bus, 0, 50)
            await victim.start("published:1")
            assert await victim.ended(90) == 137
            await victim.start()
            await at_rest(bus, 50, 180)
            found = await ends(bus)
        finally:
            await victim.close()
    assert [each for each in wrong(50, world.books, found) if "had the effects" in each]


@pytest.mark.timeout(400)
async def test_forgetting_commands_before_they_are_sent_loses_some(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    """Negative control: then an order is never reserved, and its time is up."""
    folder = write_fulfilment(tmp_path / "project", process=TIMED)
    victim = router("r", nats_server.url, folder, tmp_path)
    victim.program = (*SABOTAGED, "publish-after-forgetting")
    async with running(nats_server.url) as (bus, world):
        try:
            await place(bus, 0, 50)
            await victim.start()
            assert await victim.ended(90) == 137
            victim.program = ("-m", "crossdock.cli")
            await victim.start()
            await at_rest(bus, 50, 180)
            found = await ends(bus)
        finally:
            await victim.close()
    assert wrong(50, world.books, found)


def test_the_checker_sees_each_kind_of_fault() -> None:
    books = Books()
    for contract in ("stock.reserve.requested", "bank.payment.requested"):
        books.take(contract, contract, "o0", 5)
    assert wrong(1, books, {"o0": ["done"]}) == []
    assert wrong(1, books, {}) == ["o0 ended in None, not once", "o0 is out of balance: (1, 5)"]
    books.take("bank.payment.requested", "again", "o0", 5)
    assert [each.partition(" ")[2][:14] for each in wrong(1, books, {"o0": ["done"]})] == [
        "had the effect",
        "is out of bala",
    ]
    books = Books()
    for contract in ("bank.refund.requested", "bank.payment.requested"):
        books.take(contract, contract, "o4", 5)
    assert "o4: refund came before payment" in wrong(5, books, {})
