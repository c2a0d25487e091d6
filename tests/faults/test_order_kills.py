"""Routers and workers with an order key that are killed and stopped: no key goes out of order."""

from __future__ import annotations

import asyncio
import itertools
import signal
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import msgspec
import pytest

from crossdock.contracts import Message, Subjects
from crossdock.contracts.reference import dataschema
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from faults.processes import ServiceProcess
from faults.scale import scale
from nats_server import NatsServer
from project_folder import write, write_contract

SUBJECTS = Subjects("t")
STEP = "plant.step.done"
KEYS = [f"machine-{number}" for number in range(20)]
REFUSED = 13  # of every 97 steps of a machine, the table refuses this one
TABLE = f"""
    CREATE TABLE steps (
        place INTEGER PRIMARY KEY AUTOINCREMENT, machine TEXT,
        step INTEGER CHECK (step % 97 != {REFUSED})
    );
"""
ROUTE = f"""
    route: steps
    accepts: {STEP}@^1
    order: machine
    send: [{{to: steps}}]
"""
WORKER = """
    worker: steps
    adapter: sql-out
    order: partitionkey
    settings: {url: "sqlite:///steps.db", table: steps}
"""


def write_steps(folder: Path) -> Path:
    write(folder, "mesh.yaml", "mesh: t\n")
    properties = {"machine": {"type": "string"}, "step": {"type": "integer"}}
    schema = {"type": "object", "required": ["machine", "step"], "properties": properties}
    write_contract(folder, STEP, schema)
    write(folder, "routes/steps.yaml", ROUTE)
    write(folder, "workers/steps.yaml", WORKER)
    with closing(sqlite3.connect(folder / "steps.db")) as database:
        database.executescript(TABLE)
    return folder


def effects(folder: Path) -> dict[str, list[int]]:
    """Return the steps of each machine in the order in which they were written."""
    found: dict[str, list[int]] = defaultdict(list)
    with closing(sqlite3.connect(folder / "steps.db")) as database:
        for machine, step in database.execute("SELECT machine, step FROM steps ORDER BY place"):
            found[machine].append(step)
    return dict(found)


def message(machine: str, step: int) -> Message:
    return Message(
        id=f"{machine}-{step}",
        source="/test",
        type=STEP,
        dataschema=dataschema(STEP, "1.0.0"),
        data=msgspec.json.encode({"machine": machine, "step": step}),
    )


async def publish(bus: Bus, enough: asyncio.Event, least: int) -> int:
    """Publish a step of every machine at a time, until it is enough; return how many of each."""
    for step in itertools.count():
        await bus.publish_many([(SUBJECTS.incoming(STEP), message(key, step)) for key in KEYS])
        if enough.is_set() and (step + 1) * len(KEYS) >= least:
            return step + 1
        await asyncio.sleep(0.05)
    raise AssertionError


async def goes_on(folder: Path, within: float) -> None:
    """Wait until effects of every machine have come after those that are there now."""
    before = {machine: len(steps) for machine, steps in effects(folder).items()}
    async with asyncio.timeout(within):
        while not all(len(effects(folder).get(key, [])) > before.get(key, 0) for key in KEYS):
            await asyncio.sleep(0.1)


async def frozen(service: ServiceProcess, folder: Path, within: float) -> None:
    """Let a process stand still until others have taken over what it did, then let it go on."""
    assert service.process is not None
    service.process.send_signal(signal.SIGSTOP)
    try:
        await goes_on(folder, within)
        await goes_on(folder, within)
    finally:
        service.process.send_signal(signal.SIGCONT)


@asynccontextmanager
async def replicas(
    names: Sequence[str], url: str, folder: Path, logs: Path
) -> AsyncIterator[list[ServiceProcess]]:
    """Run a router and a worker of each name."""
    place = ("--project", str(folder), "--nats", url)
    made = [
        ServiceProcess(f"{service}-{name}", (service, *place), logs)
        for name in names
        for service in ("router", "worker")
    ]
    try:
        for each in made:
            await each.start()
        for each in made:
            await each.ready()
        yield made
    finally:
        for each in made:
            await each.close()


async def at_rest(bus: Bus, within: float) -> None:
    async with asyncio.timeout(within):
        for kind in ("in", "out"):
            while any(each.lag for each in await bus.consumers(kind)):
                await asyncio.sleep(0.1)


@pytest.mark.fault
@pytest.mark.timeout(400)
async def test_i7_each_key_stays_in_order_over_kills_and_stops_of_replicas(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    row = scale(messages=4000, kills=1)
    folder = write_steps(tmp_path / "project")
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings())
    try:
        async with replicas(("a", "b"), nats_server.url, folder, tmp_path) as (ra, wa, rb, wb):
            enough = asyncio.Event()
            publishing = asyncio.create_task(publish(bus, enough, row.messages))
            await goes_on(folder, row.patience)
            for number in range(row.kills):
                victims = (ra, wa) if number % 2 == 0 else (rb, wb)
                for each in victims:
                    await each.kill()
                await goes_on(folder, row.patience)
                for each in victims:
                    await each.start()
                    await each.ready()
            await frozen(rb if row.kills % 2 else ra, folder, row.patience)
            for each in (rb, wa):  # gently
                assert await each.stop() == 0
            await goes_on(folder, row.patience)
            enough.set()
            count = await publishing
            await at_rest(bus, row.patience)
        letters = [msgspec.json.decode(each.data) async for each in dead_letters.listing(bus)]
    finally:
        await bus.close()
    wanted = [step for step in range(count) if step % 97 != REFUSED]
    assert effects(folder) == dict.fromkeys(KEYS, wanted)  # all of them, once, in order
    refused = {(key, step) for key in KEYS for step in range(REFUSED, count, 97)}
    assert {(each["machine"], each["step"]) for each in letters} == refused
