"""A destination is away, for longer than all the attempts of a policy would take."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from faults.driver import orders
from faults.rig import MESH, running_rig
from faults.scale import scale

POLICY = """
policies:
  standard: {attempts: 2, delays: [100ms], breaker_after: 2, breaker_pause: 1s}
"""
AWAY = 4.0
LABELS = f',mesh="{MESH}",service="worker"}} 1.0'


@contextmanager
def locked(database: Path) -> Iterator[None]:
    with closing(sqlite3.connect(database, isolation_level=None, timeout=20)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


@pytest.mark.fault
async def test_a_destination_that_is_away_makes_no_dead_letters(tmp_path: Path) -> None:
    row = scale(messages=300, kills=0)
    async with running_rig(tmp_path, settings=POLICY) as rig:
        await rig.start()
        await rig.driver.send_all(orders("before"), row.messages // 2)
        with locked(rig.database):
            await rig.driver.send_all(orders("away"), row.messages // 2)
            async with asyncio.timeout(30):
                while 'crossdock_breaker_open{component="eu"' + LABELS not in (
                    await rig.worker.metrics()
                ):
                    await asyncio.sleep(0.1)
            await asyncio.sleep(AWAY)  # how long it is away is the subject here
        await rig.probe(30)
        await rig.at_rest(row.patience)
        verdict = await rig.verdict()
    assert verdict.green, verdict
