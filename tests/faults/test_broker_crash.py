"""kill -9 of the single broker node under load, restarted on the same store."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from faults.rig import running_rig
from faults.scale import scale


@pytest.mark.fault
async def test_a_broker_that_is_killed_again_and_again_loses_nothing_and_stores_once(
    tmp_path: Path,
) -> None:
    row = scale(messages=1500, kills=4)
    chance = random.Random(row.seed)  # noqa: S311 - to repeat a run
    async with running_rig(tmp_path) as rig:
        await rig.start()
        async with rig.under_load("b", rate=300, at_least=row.messages, patience=row.patience):
            for _ in range(row.kills):
                await asyncio.sleep(chance.uniform(0.3, 1.5))
                rig.server.kill()
                await asyncio.sleep(chance.uniform(0.0, 0.5))
                rig.server.start()
                await rig.probe(30)
        await rig.at_rest(row.patience)
        verdict = await rig.verdict()
    assert verdict.green, verdict
