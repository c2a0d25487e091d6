"""Each promise broken on purpose: the checker must turn red, or it would prove nothing."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
from pathlib import Path

import pytest

from faults.checker import redelivered
from faults.driver import orders
from faults.observing import plain_client
from faults.rig import MESH, Rig, running_rig

PROGRAM = Path(__file__).parents[1] / "programs" / "sabotaged_service.py"
SPINNING = 1.0  # deliveries again for each message in a few seconds: a retry policy makes few

pytestmark = pytest.mark.fault


async def test_acknowledging_before_publishing_loses_messages(tmp_path: Path) -> None:
    async with running_rig(tmp_path) as rig:
        rig.router.program = (str(PROGRAM), "acknowledge-before-publish")
        await rig.start()
        await rig.driver.send_all(orders("n"), 300)
        assert await rig.router.ended(20) == 137
        rig.router.program = ("-m", "crossdock.cli")
        await rig.start(rig.router)
        await rig.at_rest(60)
        verdict = await rig.verdict()
        balanced, report = await rig.balanced()
    assert verdict.lost
    assert not verdict.twice
    assert not balanced, report  # the mesh notices it by itself (I9)


async def test_an_answer_before_the_puback_loses_messages(tmp_path: Path) -> None:
    async with running_rig(tmp_path) as rig:
        rig.gateway.program = (str(PROGRAM), "publish-without-puback")
        await rig.start()
        await rig.driver.send_all(orders("before"), 50)
        rig.server.signal(signal.SIGSTOP)  # what it had not read when it crashes is gone
        await rig.driver.send_all(orders("lost"), 50)
        rig.server.kill()
        rig.server.start()
        await rig.probe(30)
        await rig.at_rest(60)
        verdict = await rig.verdict()
    assert any(": lost-" in each for each in verdict.lost)


async def test_without_an_inbox_a_crash_makes_second_effects(tmp_path: Path) -> None:
    async with running_rig(tmp_path) as rig:
        rig.worker.program = (str(PROGRAM), "inbox-off")
        await rig.start(rig.gateway, rig.router)
        await rig.worker.start("delivered:2")
        await rig.driver.send_all(orders("n"), 300)
        assert await rig.worker.ended(20) == 137
        await rig.start(rig.worker)
        await rig.at_rest(60)
        verdict = await rig.verdict()
    assert verdict.twice
    assert not verdict.lost


@pytest.mark.parametrize(("sabotage", "spins"), [("bare-nak", True), ("always-retry", False)])
async def test_a_nak_without_a_delay_spins(tmp_path: Path, sabotage: str, *, spins: bool) -> None:
    policy = "policies:\n  standard: {attempts: 1000000, delays: [3s], breaker_after: 1000000}\n"
    async with running_rig(tmp_path, settings=policy) as rig:
        rig.router.program = (str(PROGRAM), sabotage)
        await rig.start(rig.gateway, rig.router)
        await rig.driver.send_all(orders("n"), 20)
        await asyncio.sleep(2)  # the time in which the rate is taken
        share = redelivered(*await deliveries_of_routes(rig))
    assert (share > SPINNING) is spins, share


async def test_a_full_stream_that_drops_the_oldest_loses_messages(tmp_path: Path) -> None:
    settings = "broker: {max_bytes: 256KiB}\n"
    async with running_rig(tmp_path, settings=settings) as rig:
        await rig.start(rig.gateway)
        await change_stream(rig, discard="old")
        await rig.driver.send_all(orders("n"), 800)
        await rig.start(rig.router, rig.worker)
        await rig.at_rest(60)
        verdict = await rig.verdict()
    assert verdict.lost


async def test_a_full_stream_as_it_should_be_lets_callers_wait(tmp_path: Path) -> None:
    settings = "broker: {max_bytes: 256KiB}\n"
    async with running_rig(tmp_path, settings=settings) as rig:
        await rig.start(rig.gateway)
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(rig.driver.send_all(orders("n"), 800))
            await full(rig)
            assert not sending.done()
            await rig.start(rig.router, rig.worker)
        await rig.at_rest(60)
        verdict = await rig.verdict()
    assert not verdict.lost, verdict
    assert not verdict.twice, verdict


async def deliveries_of_routes(rig: Rig) -> tuple[int, int]:
    async with plain_client(rig.server.url) as jetstream:
        info = await jetstream.consumer_info(f"{MESH}-in", "route-by-country")
        assert info.delivered is not None
        return info.delivered.consumer_seq, (
            await jetstream.stream_info(f"{MESH}-in")
        ).state.messages


async def change_stream(rig: Rig, **changes: object) -> None:
    async with plain_client(rig.server.url) as jetstream:
        client = jetstream._nc
        name = f"{MESH}-in"
        found = json.loads((await client.request(f"$JS.API.STREAM.INFO.{name}", b"")).data)
        changed = json.dumps(found["config"] | changes).encode()
        answer = json.loads((await client.request(f"$JS.API.STREAM.UPDATE.{name}", changed)).data)
        assert "error" not in answer, answer


async def full(rig: Rig) -> None:
    async with asyncio.timeout(30), plain_client(rig.server.url) as jetstream:
        seen = -1
        for _ in itertools.count():
            stored = (await jetstream.stream_info(f"{MESH}-in")).state.messages
            if stored and stored == seen:
                return
            seen = stored
            await asyncio.sleep(1)  # nothing more went in for so long
