"""The outbox of `examples/outbox`: shop and worker are killed, each order is told of once."""

from __future__ import annotations

import asyncio
import random
import shutil
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from crossdock.contracts import Message, Subjects
from crossdock.mesh.bus import Bus
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from faults.processes import ServiceProcess
from faults.scale import scale
from nats_server import NatsServer
from peers.postgresql import PostgreSQL
from peers.tables import Database, PostgresqlDatabase, SqliteFile

EXAMPLE = Path(__file__).parents[2] / "examples" / "outbox"
SUBJECT = Subjects("shop").incoming("sales.order.placed")
ORDERS = 60


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return SqliteFile(tmp_path)
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return PostgresqlDatabase(server.database())


@pytest.mark.fault
@pytest.mark.peer
@pytest.mark.timeout(300)
async def test_kills_of_shop_and_worker_lose_no_news_and_tell_none_twice(
    database: Database, nats_server: NatsServer, tmp_path: Path
) -> None:
    row = scale(messages=2 * ORDERS, kills=6)
    chance = random.Random(row.seed)  # noqa: S311 - to repeat a run
    project = copied(database, tmp_path)
    async with connected(nats_server) as bus, shops(database) as running:
        worker = ServiceProcess(
            "outbox",
            ("worker", "--name", "outbox", "-p", str(project), "--nats", nats_server.url),
            tmp_path,
        )
        try:
            await worker.start()
            await told(bus, 1, row.patience)
            for number in range(row.kills):
                await asyncio.sleep(chance.uniform(0.05, 0.4))
                await worker.kill()
                await again(running, number % len(running), database)
                await worker.start()
            for each in running:
                assert await asyncio.wait_for(each.wait(), row.patience) == 0
            stored = database.run("SELECT order_id FROM outbox")
            found = await told(bus, len(stored), row.patience)
        finally:
            await worker.close()
    assert len(stored) >= row.messages // 2
    assert sorted(each["order"] for each in found) == sorted(each for (each,) in stored)
    assert sorted(database.run("SELECT id FROM orders")) == sorted(stored)
    assert not [each for each in found if each["total"] % 4 == 0]  # was rolled back


def copied(database: Database, folder: Path) -> Path:
    project = folder / "project"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns("*.db*", ".crossdock"))
    file = project / "workers" / "outbox.yaml"
    text = file.read_text()
    assert "url: sqlite:///shop.db" in text
    file.write_text(text.replace("sqlite:///shop.db", database.url) + "  overlap: 0\n")
    return project


async def shop(database: Database) -> Process:
    """Return a shop that places orders, slowly: their transactions overlap on PostgreSQL."""
    url = str(database.path) if isinstance(database, SqliteFile) else database.url
    words = (url, "--orders", str(ORDERS), "--thinks", "0.03")
    return await asyncio.create_subprocess_exec(sys.executable, str(EXAMPLE / "shop.py"), *words)


@asynccontextmanager
async def shops(database: Database) -> AsyncIterator[list[Process]]:
    running = [await shop(database) for _ in range(3)]
    try:
        yield running
    finally:
        for each in running:
            if each.returncode is None:
                each.kill()
                await each.wait()


async def again(running: list[Process], number: int, database: Database) -> None:
    """Kill -9 a shop, in whatever transaction it is, and start another one."""
    if running[number].returncode is None:
        running[number].kill()
        await running[number].wait()
    running[number] = await shop(database)


@asynccontextmanager
async def connected(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_server.url, Subjects("shop"), name="test")
    try:
        await provision(bus, BrokerSettings())
        yield bus
    finally:
        await bus.close()


async def told(bus: Bus, count: int, within: float) -> list[Any]:
    """Return the news as soon as there is so much of it."""
    async with asyncio.timeout(within):
        while await bus.count("in", SUBJECT) < count:
            await asyncio.sleep(0.05)
    stored = [each async for each in bus.read("in", subject=SUBJECT)]
    messages = [Message.from_headers(each.headers, each.data) for each in stored]
    return [msgspec.json.decode(each.data) for each in messages]
