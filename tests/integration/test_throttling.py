"""Throttler on a real broker: all replicas together keep one rate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from crossdock.contracts import Disconnected
from crossdock.mesh.bus import Bus
from crossdock.mesh.project.scalars import Duration
from crossdock.mesh.project.settings import Throttle
from crossdock.mesh.throttling import Gate
from nats_server import NatsServer
from running_router import connected, in_book, project, put, settled, started

SECOND = 1_000_000_000


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1_000 * SECOND

    def __call__(self) -> int:
        return self.now


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


async def test_each_takes_its_share_of_one_rate(bus: Bus) -> None:
    clock = Clock()
    ten = Throttle(messages=10, per=Duration(1))
    one, other = (Gate(bus, "route-r", ten, clock) for _ in range(2))
    assert one.most == 2
    assert [await each.take(2) for each in (one, other, one)] == [0, 0.2, 0.4]
    clock.now += SECOND // 2
    assert await other.take(1) == pytest.approx(0.1)
    clock.now += 60 * SECOND  # nobody took any: what was not used is not saved up
    assert [await each.take(2) for each in (one, other)] == [0, 0.2]
    assert await Gate(bus, "route-other", ten, clock).take(2) == 0


async def test_many_at_the_same_time_get_a_time_each(bus: Bus) -> None:
    clock = Clock()
    gates = [Gate(bus, "r", Throttle(messages=1), clock) for _ in range(8)]
    waits = await asyncio.gather(*(each.take(1) for each in gates))
    assert sorted(waits) == [0, 1, 2, 3, 4, 5, 6, 7]


async def test_a_broker_that_forgot_the_rate_begins_anew(bus: Bus) -> None:
    gate = Gate(bus, "r", Throttle(messages=1), Clock())
    assert [await gate.take(1) for _ in range(2)] == [0, 1]
    await bus.jetstream.delete_key_value("t-throttle")
    with pytest.raises(Disconnected):
        await gate.take(1)
    assert await gate.take(1) == 0


async def test_two_replicas_together_keep_the_rate_of_their_route(bus: Bus, tmp_path: Path) -> None:
    folder = project(tmp_path, "- where: 'true'\n")
    route = folder / "routes" / "r.yaml"
    route.write_text(route.read_text() + "throttle: {messages: 40, per: 1s}\n")
    for number in range(80):
        await put(bus, number, {"n": number})
    routers = [await started(bus, folder), await started(bus, folder)]
    await settled(bus)
    for each in routers:
        await each.stop()
    stored = await in_book(bus)
    assert {msgspec.json.decode(each.data)["n"] for each in stored} == set(range(80))
    times = sorted(datetime.fromisoformat(each.time) for each in stored)
    # 80 messages at 40 a second, of which the first portion waits for nothing.
    assert (times[-1] - times[0]).total_seconds() >= (80 - 10) / 40 * 0.95
