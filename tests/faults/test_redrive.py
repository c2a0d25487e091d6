"""Many dead letters are sent again while a replica is killed, and the redrive itself with it."""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from nats.js import JetStreamContext

from faults.caller import Caller
from faults.driver import PATH, TOO_MUCH
from faults.observing import plain_client, rows
from faults.processes import ServiceProcess
from faults.rig import MESH, Rig, running_rig
from faults.scale import scale

POLICY = """
policies:
  standard: {attempts: 5, delays: [200ms], dead_letter_limit: 1000000}
"""
PATCH = [{"op": "replace", "path": "/total", "value": 10}]


@pytest.mark.fault
async def test_each_has_its_effect_once_though_a_replica_and_the_redrive_are_killed_I4(
    tmp_path: Path,
) -> None:
    row = scale(messages=1000, kills=2)
    patch = tmp_path / "patch.json"
    patch.write_text(json.dumps(PATCH))
    async with running_rig(tmp_path, settings=POLICY) as rig:
        await rig.start()
        await rig.start(rig.add("router-2", "router"), rig.add("worker-2", "worker"))
        async with plain_client(rig.server.url) as jetstream:
            keys = await buried(rig, jetstream, row.messages, row.patience)
            let_the_table_take_any_amount(rig.database)
            refused_by_route = ("--component", "by-country", "--patch", str(patch))
            await redriven(rig, jetstream, rig.router, row.patience, *refused_by_route)
            await redriven(rig, jetstream, rig.worker, row.patience, "--component", "eu")
            await rig.at_rest(row.patience)
            left = await letters(jetstream)
        balanced, report = await rig.balanced()
        found = Counter(rows(rig.database, "eu"))
    assert found.keys() == keys
    assert set(found.values()) == {1}
    assert left == 0
    assert balanced, report


def bad_orders() -> Iterator[tuple[str, float]]:
    """Yield keys and totals: one is refused by the table, one by the invoice's contract."""
    for number in itertools.count():
        yield f"destination-{number}", TOO_MUCH
        yield f"route-{number}", 0.5


async def buried(rig: Rig, jetstream: JetStreamContext, count: int, patience: float) -> set[str]:
    """Send so many that become dead letters, half of them at the route; return their keys."""
    source = itertools.islice(bad_orders(), count)
    keys: set[str] = set()

    async def lane() -> None:
        caller = Caller(rig.listen.host, rig.listen.port)
        for key, total in source:
            keys.add(key)
            body = {"order": key, "country": "DE", "total": total}
            while await caller.post(PATH, json.dumps(body).encode(), key) != 202:
                await asyncio.sleep(0.1)
        caller.close()

    async with asyncio.TaskGroup() as lanes:
        for _ in range(16):
            lanes.create_task(lane())
    async with asyncio.timeout(patience):
        while await letters(jetstream) < count:
            await asyncio.sleep(0.1)
    return keys


async def redriven(
    rig: Rig, jetstream: JetStreamContext, victim: ServiceProcess, patience: float, *words: str
) -> None:
    """Send some again, kill the replica and the redrive in the middle of it, send the others."""
    before = await letters(jetstream)
    rate = ("--rate", f"{max(100, before // 10)}/s")
    first = await redrive(rig, *words, *rate)
    async with asyncio.timeout(patience):
        while await letters(jetstream) > before * 0.8:
            assert first.returncode is None, await first.communicate()
            await asyncio.sleep(0.02)
    await victim.kill()
    first.kill()
    await first.wait()
    assert await letters(jetstream) > before * 0.3
    second = await redrive(rig, *words, *rate)
    out, err = await asyncio.wait_for(second.communicate(), patience)
    assert second.returncode == 0, err
    result: dict[str, Any] = json.loads(out)
    assert result["refused"] == {}
    await rig.start(victim)


async def redrive(rig: Rig, *words: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crossdock.cli", "dead", "redrive", *words, "--yes", "--json"),
        *("--project", str(rig.project), "--nats", rig.server.url, "--reason", "repaired"),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )


async def letters(jetstream: JetStreamContext) -> int:
    return (await jetstream.stream_info(f"{MESH}-dead")).state.messages


def let_the_table_take_any_amount(path: Path) -> None:
    """Remove the cause; a second effect is a second row still."""
    with closing(sqlite3.connect(path, timeout=20)) as database:
        database.executescript(
            "ALTER TABLE eu RENAME TO old; CREATE TABLE eu (number TEXT, amount REAL);"
            "INSERT INTO eu SELECT * FROM old; DROP TABLE old;"
        )
