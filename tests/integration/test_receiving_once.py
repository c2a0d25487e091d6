"""Idempotent Receiver on a real broker: one message a key, over replicas and redeliveries."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from crossdock.mesh.bus import Bus
from crossdock.mesh.claims import Claims
from nats_server import NatsServer
from running_router import connected, entries, in_book, project, put, rewind, settled, started, stop

STEPS = "- once: {key: order, within: 1h}\n"


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


async def test_a_key_belongs_to_the_first_who_claims_it_until_its_time_is_over(bus: Bus) -> None:
    claims = Claims(bus, "r")
    assert await claims.claim("k", "one", 1)
    assert await claims.claim("k", "one", 1)
    assert not await claims.claim("k", "two", 1)
    assert await claims.claim("other", "two", 60)
    assert await Claims(bus, "another").claim("k", "two", 60)
    began = time.monotonic()
    async with asyncio.timeout(20):
        while not await claims.claim("k", "two", 60):
            await asyncio.sleep(0.05)
    assert time.monotonic() - began > 0.5
    assert not await claims.claim("k", "one", 60)


async def test_one_of_many_claims_at_the_same_time_wins(bus: Bus) -> None:
    claims = [Claims(bus, "r") for _ in range(4)]
    won = await asyncio.gather(*(claims[n % 4].claim("k", f"h{n}", 60) for n in range(50)))
    assert sum(won) == 1


async def test_i4_the_first_of_equal_messages_goes_on_and_again_when_it_comes_again(
    bus: Bus, tmp_path: Path
) -> None:
    folder = project(tmp_path, STEPS)
    routers = [await started(bus, folder), await started(bus, folder)]
    for number in range(300):
        await put(bus, number, {"order": f"A{number % 100}", "n": number})
    await settled(bus)
    for each in routers:
        await each.stop()
    stored = await in_book(bus)
    orders = [msgspec.json.decode(each.data)["order"] for each in stored]
    assert sorted(orders) == sorted(f"A{n}" for n in range(100))
    outcomes = [each.outcome for each in await entries(bus)]
    assert (outcomes.count("routed"), outcomes.count("filtered")) == (100, 200)
    # All of it comes once more, as after a crash: each makes what it made before, and no more.
    await rewind(bus)
    await stop(await started(bus, folder), bus)
    assert [each.headers["ce-id"] for each in await in_book(bus)] == [
        each.headers["ce-id"] for each in stored
    ]
    again = [each.outcome for each in await entries(bus)][300:]
    assert (again.count("routed"), again.count("filtered")) == (100, 200)


async def test_i6_no_key_is_stored_as_it_is(bus: Bus, tmp_path: Path) -> None:
    router = await started(bus, project(tmp_path, STEPS))
    await put(bus, 1, {"order": "4929-secret-0001"})
    await stop(router, bus)
    stored = [each async for each in bus.read("once")]
    assert len(stored) == 1
    assert "4929" not in f"{stored[0].subject} {stored[0].headers} {stored[0].data!r}"
