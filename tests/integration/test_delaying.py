"""Delayer on a real broker: a group of one goes on when its time is up, also over a restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from crossdock.mesh.bus import Bus
from nats_server import NatsServer
from running_router import ORDER, connected, in_book, project, put, settled, started

DELAY = 2.0
AGGREGATE = f"""
aggregate:
  by: $message.source & " " & $message.id
  complete: {{timeout: {DELAY:g}s}}
  map: parts[0]
  as: {ORDER}
"""


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


async def test_each_message_is_held_back_for_its_time_also_when_no_router_runs(
    bus: Bus, tmp_path: Path
) -> None:
    folder = project(tmp_path, "- where: 'true'\n")
    route = folder / "routes" / "r.yaml"
    route.write_text(route.read_text() + AGGREGATE)
    router = await started(bus, folder)
    began = time.monotonic()
    for number in range(20):
        await put(bus, number, {"n": number, "same": "key"})
    await settled(bus)
    await router.stop()
    assert await in_book(bus) == []
    router = await started(bus, folder)
    async with asyncio.timeout(30):
        while len(stored := await in_book(bus)) < 20:
            assert not stored or time.monotonic() - began > DELAY
            await asyncio.sleep(0.02)
    await router.stop()
    assert {msgspec.json.decode(each.data)["n"] for each in stored} == set(range(20))
    assert time.monotonic() - began > DELAY
