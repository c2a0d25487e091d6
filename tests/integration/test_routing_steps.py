"""Routes with steps on a real broker: what they make is stored once, in order, and recorded."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from crossdock.mesh.bus import Bus
from crossdock.router.deciding import decide
from nats_server import NatsServer
from running_router import connected, entries, in_book, project, put, rewind, started, stop
from stepped_route import message, stepped


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


async def test_i4_a_split_message_that_comes_again_makes_the_same_parts_once(
    bus: Bus, tmp_path: Path
) -> None:
    folder = project(tmp_path, "- split: lines\n")
    router = await started(bus, folder)
    for number in range(3):  # more parts each than one batch of the broker holds
        await put(bus, number, {"lines": [{"n": n, "of": number} for n in range(1500)]})
    await stop(router, bus)
    await rewind(bus)
    await stop(await started(bus, folder), bus)
    assert sorted(each.id for each in await entries(bus)) == ["m0", "m0", "m1", "m1", "m2", "m2"]
    stored = await in_book(bus)
    assert len(stored) == len({each.headers["ce-id"] for each in stored}) == 4500
    parts = [msgspec.json.decode(each.data) for each in stored]
    for number in range(3):  # each message's in their order; the messages are in none
        mine = [each["n"] for each in parts if each["of"] == number]
        assert mine == list(range(1500))


async def test_i8_a_batch_of_large_splits_is_stored_in_portions_and_every_message_recorded(
    bus: Bus, tmp_path: Path
) -> None:
    for number in range(20):
        await put(bus, number, {"lines": [{"n": n} for n in range(1000)]})
    router = await started(bus, project(tmp_path, "- split: lines\n"))
    await stop(router, bus)
    assert len(await in_book(bus)) == 20_000
    found = await entries(bus)
    assert [len(each.children) for each in found] == [1000] * 20


async def test_i9_a_message_whose_parts_all_end_is_filtered(bus: Bus, tmp_path: Path) -> None:
    steps = "- split: lines\n  steps: [{where: n > 5}]\n"
    router = await started(bus, project(tmp_path, steps))
    await put(bus, 1, {"lines": [{"n": 1}]})
    await put(bus, 2, {"lines": [{"n": 1}, {"n": 6}]})
    await stop(router, bus)
    assert {each.id: each.outcome for each in await entries(bus)} == {
        "m1": "filtered",
        "m2": "routed",
    }
    assert [msgspec.json.decode(each.data) for each in await in_book(bus)] == [{"n": 6}]


def test_i8_the_time_for_a_split_grows_with_its_parts_and_not_with_their_square() -> None:
    made = stepped(
        {"split": "lines", "steps": [{"map": "{'of': $whole.order, 'n': n, 'at': $part.index}"}]}
    )

    def took(parts: int) -> float:
        given = message(
            {"order": "A1", "lines": [{"n": n, "text": "x" * 50} for n in range(parts)]}
        )
        began = time.thread_time()
        assert len(decide(made, given).children) == parts
        return time.thread_time() - began

    def least(parts: int) -> float:  # a loaded machine only ever adds
        return min(took(parts) for _ in range(3))

    # 16 times the parts: about 16 times the time, and 256 times if it were the square.
    assert least(4800) < 64 * least(300)
