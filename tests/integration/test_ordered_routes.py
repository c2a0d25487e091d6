"""Routes and sources with an order on a real broker: what they store is in order (I7)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from crossdock.contracts import Retry
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus, Outgoing
from nats_server import NatsServer
from project_folder import write, write_contract
from running_router import ORDER, SUBJECTS, connected, in_book, put, started, stop

HEAD = f"route: r\naccepts: {ORDER}\norder: machine\nsend: [{{to: book}}]\n"


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


def ordered(folder: Path, steps: str = "") -> Path:
    write(folder, "mesh.yaml", "mesh: t\n")
    write_contract(folder, ORDER, {"type": "object"})
    write(folder, "routes/r.yaml", HEAD + steps)
    return folder


async def test_each_key_comes_out_in_order_and_takes_its_key_along(
    bus: Bus, tmp_path: Path
) -> None:
    for number in range(300):
        await put(bus, number, {"machine": f"m{number % 7}", "n": number})
    router = await started(bus, ordered(tmp_path))
    await stop(router, bus)
    found = defaultdict(list)
    for each in await in_book(bus):
        found[each.headers["ce-partitionkey"]].append(msgspec.json.decode(each.data)["n"])
    assert dict(found) == {f"m{of}": list(range(of, 300, 7)) for of in range(7)}


async def test_the_parts_of_the_messages_of_a_key_come_out_in_order(
    bus: Bus, tmp_path: Path
) -> None:
    for number in range(3):
        lines = [{"of": number, "n": n} for n in range(1200)]
        await put(bus, number, {"machine": "m", "lines": lines})
    router = await started(bus, ordered(tmp_path, "steps: [{split: lines}]\n"))
    await stop(router, bus)
    stored = [msgspec.json.decode(each.data) for each in await in_book(bus)]
    assert [(each["of"], each["n"]) for each in stored] == [
        (of, n) for of in range(3) for n in range(1200)
    ]


async def test_a_message_without_the_key_is_a_dead_letter_and_the_others_go_on(
    bus: Bus, tmp_path: Path
) -> None:
    await put(bus, 0, {"machine": "m"})
    await put(bus, 1, {})
    await put(bus, 2, {"machine": "m"})
    router = await started(bus, ordered(tmp_path))
    await stop(router, bus)
    assert len(await in_book(bus)) == 2
    (letter,) = [each async for each in dead_letters.listing(bus)]
    assert letter.message_id == "m1"
    assert letter.cause.reason == "order gives nothing: a key is a text or a number"


def item(number: int, **headers: str) -> Outgoing:
    own = {"Nats-Msg-Id": f"i{number}"} | headers
    return Outgoing(SUBJECTS.outgoing("book"), own, b"%d" % number)


def refused(number: int) -> Outgoing:
    return item(number, **{"Nats-Expected-Stream": "another"})


async def numbers(bus: Bus) -> list[int]:
    return [int(each.data) for each in await in_book(bus)]


async def test_what_cannot_be_stored_together_is_stored_one_after_another(bus: Bus) -> None:
    await bus.store([item(5)])
    stored = await bus.store([item(number) for number in range(2500)], in_order=True)
    assert [each.duplicate for each in stored].index(True) == 5
    assert [each for each in await numbers(bus) if each != 5] == [
        each for each in range(2500) if each != 5
    ]


async def test_none_is_stored_before_one_that_cannot_be(bus: Bus) -> None:
    with pytest.raises(Retry):
        await bus.store([item(0), item(1), refused(2), item(3)], in_order=True)
    assert await numbers(bus) == [0, 1]


async def test_without_the_wish_for_order_it_would_be_stored(bus: Bus) -> None:
    """Negative control."""
    with pytest.raises(Retry):
        await bus.store([item(0), item(1), refused(2), item(3)])
    async with asyncio.timeout(20):
        while 3 not in await numbers(bus):
            await asyncio.sleep(0.02)
