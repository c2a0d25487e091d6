"""The broker is killed while messages are moved to the dead letters."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.ledger import Order
from faults.rig import running_rig
from faults.scale import scale


def refused() -> Iterator[Order]:
    """Yield orders without end, most of which the destination refuses."""
    for number in itertools.count():
        yield Order(f"m-{number}", ("eu",), bad=number % 10 != 0)


@pytest.mark.fault
async def test_a_message_on_its_way_to_the_dead_letters_is_never_in_neither_place(
    tmp_path: Path,
) -> None:
    row = scale(messages=400, kills=3)
    chance = random.Random(row.seed)  # noqa: S311 - to repeat a run
    async with running_rig(tmp_path) as rig:
        await rig.start()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(rig.driver.send_all(refused(), row.messages))
            for _ in range(row.kills):
                await asyncio.sleep(chance.uniform(0.2, 1.0))
                rig.server.kill()
                rig.server.start()
                await rig.probe(30)
        await rig.at_rest(row.patience)
        verdict = await rig.verdict()
    assert verdict.green, verdict
    dead = {each.name: each.dead for each in verdict.balances}
    assert dead["eu"] == row.messages * 9 // 10
