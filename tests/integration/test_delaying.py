"""Delayer on a real broker: what waits is safe, costs nothing, and goes on once when it is due."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from crossdock.contracts import Message
from crossdock.contracts.expiry import write_time
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus
from crossdock.mesh.finding import find
from crossdock.mesh.janitor import Janitor
from crossdock.mesh.later import Waiting, release, waiting
from crossdock.mesh.ledger import Line, balance
from crossdock.mesh.project.settings import BrokerSettings
from delaying_project import delaying, soon
from nats_server import NatsServer
from running_router import (
    SUBJECTS,
    connected,
    entries_of,
    in_book,
    order,
    put,
    rewind,
    running_router,
    settled,
    started,
)

DELAY = 8.0  # longer than a slow machine needs to take what comes


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


async def sent(bus: Bus, count: int, within: float = 60) -> list[Message]:
    """Return what was sent as soon as there is so much."""
    async with asyncio.timeout(within):
        while len(stored := await in_book(bus)) < count:
            await asyncio.sleep(0.05)
    return [Message.from_headers(each.headers, each.data) for each in stored]


async def waits(bus: Bus) -> list[Waiting]:
    return [each async for each in waiting(bus)]


async def line(bus: Bus) -> Line:
    return next(each for each in await balance(bus) if each.kind == "route")


async def test_each_message_is_held_back_for_its_time_also_when_no_router_runs(
    bus: Bus, tmp_path: Path
) -> None:
    folder = delaying(tmp_path, f"for: {DELAY:g}s")
    router = await started(bus, folder)
    began = time.monotonic()
    for number in range(20):
        await put(bus, number, {"n": number})
    await settled(bus)
    await router.stop()
    assert await in_book(bus) == []
    async with running_router(bus, folder):
        found = await sent(bus, 20)
    assert time.monotonic() - began > DELAY
    assert {msgspec.json.decode(each.data)["n"] for each in found} == set(range(20))
    assert Counter(each.extensions["causationid"] for each in found) == {
        f"m{number}": 1 for number in range(20)
    }


async def test_what_waits_outlives_kill_9_of_the_broker_and_goes_on_once(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    folder = delaying(tmp_path, f"for: {DELAY:g}s")
    bus = await connected(nats_server.url)
    async with running_router(bus, folder):
        for number in range(50):
            await put(bus, number, {"n": number})
        await settled(bus)
    assert len(await waits(bus)) == 50
    await bus.close()
    nats_server.kill()
    nats_server.start()
    bus = await connected(nats_server.url)
    async with running_router(bus, folder):
        found = await sent(bus, 50)
        await entries_of(bus, "r", 100)
    assert len({each.id for each in found}) == len(found) == 50
    assert await waits(bus) == []
    await bus.close()


async def test_the_data_goes_on_byte_by_byte_with_what_the_steps_have_made(
    bus: Bus, tmp_path: Path
) -> None:
    data = b'{"n": 12345678901234567890123, "at": 1.10}'
    async with running_router(bus, delaying(tmp_path, "for: 100ms")):
        message = msgspec.structs.replace(order(1, {}), data=data)
        await bus.publish(SUBJECTS.incoming(message.type), message)
        (found,) = await sent(bus, 1)
    assert found.data == data


async def test_the_same_message_taken_twice_is_sent_once_before_and_after_its_time(
    bus: Bus, tmp_path: Path
) -> None:
    folder = delaying(tmp_path, "until: due")
    await put(bus, 1, {"due": soon(600)})
    for _ in range(2):  # the second time it waits already
        async with running_router(bus, folder):
            await settled(bus)
        await rewind(bus)
    (waits_,) = await waits(bus)
    assert await release(bus, waits_)
    async with running_router(bus, folder):  # the third time it has gone on
        await sent(bus, 1)
        await put(bus, 2, {"due": "2020-01-01T00:00:00Z"})
        found = await sent(bus, 2)
        await settled(bus)
    assert [each.extensions["causationid"] for each in found] == ["m1", "m2"]
    assert len(await in_book(bus)) == 2
    assert not await release(bus, waits_)


async def test_a_message_says_until_when_it_waits_and_a_time_that_is_over_is_now(
    bus: Bus, tmp_path: Path
) -> None:
    due = soon(DELAY)
    async with running_router(bus, delaying(tmp_path, "until: due")):
        await put(bus, 1, {"due": due})
        await put(bus, 2, {"due": "2020-01-01T00:00:00+01:00"})
        first = await sent(bus, 1)
        assert [each.extensions["causationid"] for each in first] == ["m2"]
        assert [each.until for each in await waits(bus)] == [due]
        await sent(bus, 2)
        assert write_time(datetime.now(UTC)) >= due


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("tomorrow", "delay/until gives no RFC 3339 time with its zone"),
        ("2026-03-02T09:00:00", "delay/until gives no RFC 3339 time with its zone"),
        (17, "delay/until gives no RFC 3339 time with its zone"),
        ("9999-12-31T23:59:59Z", "delay/until gives a time that is more than 30 days away"),
    ],
)
async def test_what_asks_for_no_time_or_too_much_is_a_dead_letter(
    bus: Bus, tmp_path: Path, asked: object, reason: str
) -> None:
    async with running_router(bus, delaying(tmp_path, "until: due\nat_most: 30d")):
        await put(bus, 1, {"due": asked})
        await settled(bus)
    letters = [each.cause.reason async for each in dead_letters.listing(bus)]
    assert letters == [reason]
    assert await waits(bus) == []


async def test_what_expires_while_it_waits_is_not_sent(bus: Bus, tmp_path: Path) -> None:
    async with running_router(bus, delaying(tmp_path, f"for: {DELAY:g}s")):
        await put(bus, 1, {"n": 1}, expirytime=soon(DELAY - 1))
        await put(bus, 2, {"n": 2}, expirytime=soon(600))
        found = await sent(bus, 1)
        entries = await entries_of(bus, "r", 4)
    assert [each.extensions["causationid"] for each in found] == ["m2"]
    assert sorted(each.outcome for each in entries) == ["delayed", "delayed", "filtered", "routed"]


async def test_each_part_of_a_split_message_waits_for_its_own_time(
    bus: Bus, tmp_path: Path
) -> None:
    folder = delaying(tmp_path, "until: due", "- split: lines\n")
    async with running_router(bus, folder):
        now = "2020-01-01T00:00:00Z"
        await put(bus, 1, {"lines": [{"due": soon(600), "n": 0}, {"due": now, "n": 1}]})
        (first,) = await sent(bus, 1)
        assert msgspec.json.decode(first.data)["n"] == 1
        assert (await line(bus)).in_flight == 1
        assert await release(bus, (await waits(bus))[0])
        found = await sent(bus, 2)
    assert [each.extensions["partindex"] for each in found] == ["1", "0"]


async def test_what_waits_is_in_flight_in_the_ledger_and_is_missed_when_it_is_gone(
    bus: Bus, tmp_path: Path
) -> None:
    async with running_router(bus, delaying(tmp_path, "until: due")):
        for number in range(5):
            await put(bus, number, {"due": soon(600)})
        await put(bus, 5, {"due": "2020-01-01T00:00:00Z"})
        await sent(bus, 1)
        await entries_of(bus, "r", 7)
        before = await line(bus)
        assert (before.taken, before.out, before.in_flight, before.missing) == (6, 1, 5, 0)
        await bus.delete("group", (await waits(bus))[0].sequence)
        after = await line(bus)
    assert (after.taken, after.out, after.in_flight, after.missing) == (6, 1, 4, 1)
    assert not after.balanced


async def test_message_show_says_until_when_and_the_janitor_leaves_it(
    bus: Bus, tmp_path: Path
) -> None:
    due = soon(600)
    async with running_router(bus, delaying(tmp_path, "until: due")):
        await put(bus, 1, {"due": due})
        await entries_of(bus, "r", 1)
        await Janitor(bus, BrokerSettings()).clean_groups()
        found = await find(bus, "m1")
    assert found is not None
    assert found.state == "accepted"
    (route,) = found.routes
    assert (route.state, route.detail) == ("delayed", f"waits until {due}")
    assert [(each.state, each.detail) for each in route.destinations] == [
        ("pending", f"waits until {due}")
    ]
    assert len(await waits(bus)) == 1


async def test_message_show_finds_the_end_of_one_that_has_waited(bus: Bus, tmp_path: Path) -> None:
    async with running_router(bus, delaying(tmp_path, "for: 500ms")):
        await put(bus, 1, {"n": 1})
        await entries_of(bus, "r", 2)
        found = await find(bus, "m1")
    assert found is not None
    (route,) = found.routes
    assert [each.destination for each in route.destinations] == ["book"]


async def test_thousands_wait_without_holding_a_router_or_an_acknowledgement(
    bus: Bus, tmp_path: Path
) -> None:
    count = 5000
    async with running_router(bus, delaying(tmp_path, "for: 20s")):
        subject = SUBJECTS.incoming(order(0, {}).type)
        await bus.publish_many([(subject, order(n, {"n": n})) for n in range(count)])
        await settled(bus)
        for stream, durable in (("t-in", "route-r"), ("t-group", "group-r")):
            info = await bus.jetstream.consumer_info(stream, durable)
            assert (info.num_pending, info.num_ack_pending) == (0, 0)
        found = await sent(bus, count)
    assert len({each.id for each in found}) == count


@pytest.mark.parametrize("mapped", [False, True])
async def test_large_data_that_is_kept_apart_is_there_when_the_time_has_come(
    bus: Bus, tmp_path: Path, *, mapped: bool
) -> None:
    data = msgspec.json.encode({"n": 1, "text": "x" * 2 * 1024**2})
    folder = delaying(tmp_path, "for: 200ms", "- map: \"{'n': n}\"\n" if mapped else "")
    message = msgspec.structs.replace(order(1, {}), data=data)
    await bus.publish(SUBJECTS.incoming(message.type), message)
    async with running_router(bus, folder):
        await sent(bus, 1)
        entries = await entries_of(bus, "r", 2)
    (stored,) = await in_book(bus)
    found = await bus.claim_checks.message(stored)
    assert found.data == (b'{"n":1}' if mapped else data)
    assert [each.outcome for each in entries] == ["delayed", "routed"]
