"""SIGTERM of one of two replicas under load: it drains, and almost nothing comes twice."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from faults.checker import MOST_REDELIVERED, redelivered
from faults.rig import running_rig
from faults.scale import scale

IN_TIME = 20.0


@pytest.mark.fault
@pytest.mark.alone
async def test_replicas_stop_one_after_the_other_and_nothing_is_lost_or_comes_again(
    tmp_path: Path,
) -> None:
    row = scale(messages=4000, kills=2)
    async with running_rig(tmp_path) as rig:
        others = {rig.router: rig.add("router-2", "router"), rig.worker: rig.add("w-2", "worker")}
        await rig.start()
        async with rig.under_load("s", rate=400, at_least=row.messages, patience=row.patience):
            for number in range(row.kills):
                leaving = list(others)[number % len(others)]
                begin = time.monotonic()
                assert await asyncio.wait_for(leaving.stop(), IN_TIME) == 0
                assert time.monotonic() - begin < IN_TIME
                await rig.probe(30)
                await rig.start(leaving)
        await rig.at_rest(row.patience)
        verdict = await rig.verdict()
        share = redelivered(*await rig.deliveries())
    assert verdict.green, verdict
    assert share <= MOST_REDELIVERED
