"""Circuit Breaker: opens when all fails, and lets one message find out whether it may close."""

from __future__ import annotations

import asyncio

from crossdock.mesh.breaking import Breaker
from crossdock.mesh.project.scalars import Duration
from crossdock.mesh.project.settings import Policy

POLICY = Policy(breaker_after=3, breaker_pause=Duration(0.02))


def breaker() -> Breaker:
    return Breaker(POLICY, asyncio.Event())


async def half_open() -> Breaker:
    found = breaker()
    assert found.failed(away=True)
    await found.not_open()
    assert found.state == "half-open"
    return found


async def test_it_opens_after_failures_in_a_row_and_not_before() -> None:
    found = breaker()
    assert not found.failed(away=False)
    assert not found.failed(away=False)
    found.succeeded()
    assert not found.failed(away=False)
    assert not found.failed(away=False)
    assert found.state == "closed"
    assert found.failed(away=False)
    assert found.state == "open"


async def test_it_opens_at_once_when_the_other_system_is_away() -> None:
    found = breaker()
    assert found.failed(away=True)
    assert found.state == "open"


async def test_when_half_open_one_may_be_tried_and_the_others_wait_for_it() -> None:
    found = await half_open()
    assert found.most(500) == 1
    await found.allowed()
    others = [asyncio.create_task(found.allowed()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(each.done() for each in others)
    found.succeeded()
    async with asyncio.timeout(20):
        await asyncio.gather(*others)
    assert found.most(500) == 500


async def test_a_probe_that_fails_opens_it_again_and_the_next_one_probes() -> None:
    found = await half_open()
    await found.allowed()
    other = asyncio.create_task(found.allowed())
    assert found.failed(away=False)
    assert found.state == "open"
    async with asyncio.timeout(20):
        await other
    assert found.state == "half-open"
    assert found.most(500) == 1


async def test_who_has_to_end_waits_for_nothing() -> None:
    stop = asyncio.Event()
    found = Breaker(Policy(breaker_pause=Duration(3600)), stop)
    assert found.failed(away=True)
    waiting = asyncio.create_task(found.allowed())
    await asyncio.sleep(0)
    stop.set()
    async with asyncio.timeout(20):
        await waiting
