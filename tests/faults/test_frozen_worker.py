"""SIGSTOP of a worker that holds messages, past the acknowledgement wait, then SIGCONT."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from faults.rig import running_rig
from faults.scale import scale

PAST_ACK_WAIT = 12.0


@pytest.mark.fault
async def test_the_late_effect_of_a_frozen_worker_is_not_a_second_effect(tmp_path: Path) -> None:
    row = scale(messages=1000, kills=1)
    async with running_rig(tmp_path) as rig:
        other = rig.add("worker-2", "worker")
        await rig.start()
        async with rig.under_load("f", rate=150, at_least=row.messages, patience=row.patience):
            for number in range(row.kills):
                frozen = (rig.worker, other)[number % 2]
                frozen.freeze()
                await asyncio.sleep(PAST_ACK_WAIT)
                frozen.thaw()
                await rig.probe(30)
        await rig.at_rest(row.patience)
        verdict = await rig.verdict()
        made, messages = await rig.deliveries()
    assert verdict.green, verdict
    assert made > messages  # it held something, or nothing was tried
