"""The same message again: after the broker has forgotten its id, and because it was redelivered."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from faults.checker import redelivered
from faults.driver import orders
from faults.rig import running_rig
from faults.scale import scale

PROGRAM = Path(__file__).parents[1] / "programs" / "sabotaged_service.py"
WINDOW = 1.0

pytestmark = pytest.mark.fault


async def test_what_comes_again_after_the_window_and_a_restart_has_no_second_effect(
    tmp_path: Path,
) -> None:
    row = scale(messages=300, kills=1)
    good = (each for each in orders("d") if not each.bad)  # a bad one is a dead letter each time
    again = list(itertools.islice(good, row.messages))
    async with running_rig(tmp_path, settings="broker: {duplicate_window: 1s}\n") as rig:
        await rig.start()
        await rig.driver.send_all(iter(again), row.messages)
        await rig.at_rest(row.patience)
        await asyncio.sleep(2 * WINDOW)  # the window is the subject here
        await rig.driver.send_all(iter(again), row.messages)
        await rig.at_rest(row.patience)
        rig.server.kill()
        rig.server.start()
        await rig.probe(30)
        await rig.driver.send_all(iter(again), row.messages)
        await rig.at_rest(row.patience)
        verdict = await rig.verdict()
    assert len(verdict.stored_twice) == row.messages  # else nothing was tried
    assert set(verdict.wrong()) == {"stored twice"}, verdict


async def test_every_tenth_given_back_and_some_acknowledgements_lost_make_no_second_effect(
    tmp_path: Path,
) -> None:
    row = scale(messages=600, kills=0)
    async with running_rig(tmp_path) as rig:
        for each in (rig.router, rig.worker):
            each.program = (str(PROGRAM), "careless-acknowledgements")
        await rig.start()
        await rig.driver.send_all(orders("r"), row.messages)
        await rig.at_rest(row.patience)
        verdict = await rig.verdict()
        share = redelivered(*await rig.deliveries())
    assert verdict.green, verdict
    assert share > 0.1  # else nothing was tried
