"""Routers that are killed while they split messages and claim keys: every part is sent once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus
from faults.processes import ServiceProcess
from faults.scale import scale
from nats_server import NatsServer
from running_router import connected, entries, in_book, project, put, settled

POINTS = ("received:2", "published:2", "recorded:2", "received:1", "published:1", "recorded:1")
PARTS = 40
STEPS = """\
- once: {key: order, within: 1h}
- split: lines
  steps:
    - where: n >= 0
    - map: "{'order': $whole.order, 'n': n, 'by': $message.id}"
"""


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


@pytest.mark.fault
async def test_i4_two_replicas_and_kills_at_every_step_send_each_part_of_each_order_once(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    """Each order comes twice, as two messages of which one may go on."""
    row = scale(messages=400, kills=len(POINTS))
    folder = project(tmp_path / "project", STEPS)
    words = ("router", "--project", str(folder), "--nats", nats_server.url)
    replicas = [ServiceProcess(f"r{n}", words, tmp_path) for n in range(2)]
    for each in replicas:
        await each.start()
    enough = asyncio.Event()
    publishing = asyncio.create_task(_publish(bus, row.messages, enough))
    for number in range(max(row.kills, len(POINTS))):
        victim, point = replicas[number % 2], POINTS[number % len(POINTS)]
        await victim.kill()
        await victim.start(point)
        assert await victim.ended(30) == 137, f"{victim.name} never came to {point}"
        await victim.start()
    enough.set()
    orders = await publishing
    async with asyncio.timeout(row.patience):
        await settled(bus)
    for each in replicas:
        await each.close()
    assert [each.cause.reason async for each in dead_letters.listing(bus)] == []
    sent = [msgspec.json.decode(each.data) for each in await in_book(bus)]
    expected = {(f"o{order}", n): 1 for order in range(orders) for n in range(PARTS)}
    assert Counter((each["order"], each["n"]) for each in sent) == expected
    outcomes = {each.id: each.outcome for each in await entries(bus)}
    assert Counter(outcomes.values()) == {"routed": orders, "filtered": orders}


async def _publish(bus: Bus, messages: int, enough: asyncio.Event) -> int:
    """Publish orders until it is enough; return how many there are."""
    orders = 0
    while not enough.is_set() or 2 * orders < messages:
        lines = [{"n": n} for n in range(PARTS)]
        for copy in range(2):
            await put(bus, 2 * orders + copy, {"order": f"o{orders}", "lines": lines})
        orders += 1
        await asyncio.sleep(0.02)
    return orders
