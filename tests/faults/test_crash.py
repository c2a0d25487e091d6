"""kill -9 of router, worker and gateway: at random times, and at each named step."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from faults.processes import ServiceProcess
from faults.rig import running_rig
from faults.scale import scale

RESTART = 5.0  # seconds until the first message is through again
ROUNDS: tuple[dict[str, str], ...] = (
    {"gateway": "accepted:50"},
    {"router": "received:3", "worker": "received:3"},
    {"router": "published:3", "worker": "inbox-marked:3"},
    {"router": "recorded:3", "worker": "delivered:3"},
    {"worker": "recorded:3"},
    {"worker": "dead-letter-stored:2"},
)


@pytest.mark.fault
@pytest.mark.alone
async def test_kills_at_random_times_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    row = scale(messages=2000, kills=6)
    chance = random.Random(row.seed)  # noqa: S311 - to repeat a run
    waits: list[float] = []
    async with running_rig(tmp_path) as rig:
        await rig.start()
        services = (rig.router, rig.worker, rig.gateway)
        async with rig.under_load("r", rate=300, at_least=row.messages, patience=row.patience):
            for number in range(row.kills):
                await asyncio.sleep(chance.uniform(0.2, 1.0))
                victim = services[number % len(services)]
                await victim.kill()
                waits.append(await rig.restart(victim, within=RESTART))
        await rig.at_rest(row.patience)
        verdict = await rig.verdict()
        balanced, report = await rig.balanced()
    assert verdict.green, verdict
    assert balanced, report
    print(f"restart to first effect: {max(waits):.2f} s at most; {verdict}")  # noqa: T201 - figures


@pytest.mark.fault
@pytest.mark.alone
async def test_a_crash_at_each_step_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    row = scale(messages=300, kills=len(ROUNDS))
    async with running_rig(tmp_path) as rig:
        await rig.start()
        for number in range(max(row.kills, len(ROUNDS))):
            points = ROUNDS[number % len(ROUNDS)]
            victims = {name: getattr(rig, name) for name in points}
            for name, victim in victims.items():
                await victim.kill()
                await victim.start(points[name])
            prefix = "-".join(each.partition(":")[0] for each in points.values()) + f"-{number}"
            async with rig.under_load(prefix, rate=100, at_least=50, patience=row.patience):
                *earlier, last = victims
                for name in earlier:
                    await crashed(victims[name], points[name])
                    await victims[name].start()  # the next one comes to its point only with it
                await crashed(victims[last], points[last])
                await rig.restart(victims[last], within=RESTART)
        await rig.at_rest(row.patience)
        verdict = await rig.verdict()
        balanced, report = await rig.balanced()
    assert verdict.green, verdict
    assert balanced, report


async def crashed(victim: ServiceProcess, point: str) -> None:
    """Wait until a process has ended itself at its point."""
    assert await victim.ended(30) == 137, f"{victim.name} never came to {point}"
