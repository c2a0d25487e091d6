"""Claim Check in routes: what is sent on, what waits, and what is not there any more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from aggregating_project import RESEQUENCING, line, write_aggregating
from crossdock.contracts import Message
from crossdock.contracts.claim_check import HEADER, ClaimCheck
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus
from crossdock.mesh.data_sweep import DataSweep
from crossdock.mesh.project.scalars import Size
from crossdock.mesh.project.settings import ClaimCheckSettings
from nats_server import NatsServer
from running_router import (
    ORDER,
    SUBJECTS,
    connected,
    entries,
    in_book,
    order,
    project,
    put,
    rewind,
    running_router,
    settled,
)

LARGE = {"order": "o1", "note": "é" * 400_000}
CHECKED = ClaimCheckSettings(above=Size(64 * 1024))


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    bus.claim_checks.configure(CHECKED)
    yield bus
    await bus.close()


async def objects(bus: Bus) -> set[str]:
    return set(await bus.claim_checks.store.entries())


def check_of(value: object) -> ClaimCheck:
    return ClaimCheck.of(msgspec.json.encode(value))


async def letters_of(bus: Bus, count: int) -> list[dead_letters.DeadLetter]:
    async with asyncio.timeout(30):
        while True:
            found = [each async for each in dead_letters.listing(bus)]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.05)


async def test_data_that_is_sent_on_unchanged_is_not_stored_again(bus: Bus, tmp_path: Path) -> None:
    folder = project(tmp_path, "- tap: audit\n- where: note\n")
    async with running_router(bus, folder):
        await put(bus, 1, LARGE)
        await settled(bus)
    sent = [each async for each in bus.read("out")]
    assert [each.subject for each in sent] == ["t.out.audit", "t.out.book"]
    assert {each.headers[HEADER] for each in sent} == {str(check_of(LARGE))}
    assert await objects(bus) == {check_of(LARGE).digest}


async def test_a_mapping_sees_all_of_it_and_its_small_result_travels_by_itself(
    bus: Bus, tmp_path: Path
) -> None:
    folder = project(tmp_path, """- map: "{'order': order, 'long': $length(note)}"\n""")
    async with running_router(bus, folder):
        await put(bus, 1, LARGE)
        await settled(bus)
    (sent,) = await in_book(bus)
    assert json.loads(sent.data) == {"order": "o1", "long": 400_000}
    assert HEADER not in sent.headers


async def test_a_large_result_is_kept_apart_too_and_made_once_I4(bus: Bus, tmp_path: Path) -> None:
    folder = project(tmp_path, """- map: "{'copy': [note, note]}"\n""")
    async with running_router(bus, folder):
        await put(bus, 1, LARGE)
        await settled(bus)
    await rewind(bus)
    async with running_router(bus, folder):
        await settled(bus)
    (sent,) = await in_book(bus)
    made = await bus.claim_checks.message(sent)
    assert json.loads(made.data) == {"copy": [LARGE["note"]] * 2}
    assert len(await objects(bus)) == 2


async def test_large_and_small_ones_of_a_batch_keep_their_order(bus: Bus, tmp_path: Path) -> None:
    folder = project(tmp_path, "- where: n >= 0\n")
    for number in range(12):
        await put(bus, number, {"n": number, "note": "x" * (100_000 if number % 3 else 10)})
    async with running_router(bus, folder):
        await settled(bus)
    found = [await bus.claim_checks.message(each) for each in await in_book(bus)]
    assert [json.loads(each.data)["n"] for each in found] == list(range(12))


async def test_what_a_route_does_not_accept_or_want_any_more_is_not_even_fetched(
    bus: Bus, tmp_path: Path
) -> None:
    folder = project(tmp_path, "- where: note\n")
    await put(bus, 1, LARGE, expirytime="2020-01-01T00:00:00Z")
    await bus.claim_checks.store.remove(
        check_of(LARGE).digest, (await bus.claim_checks.store.entries())[check_of(LARGE).digest]
    )
    async with running_router(bus, folder):
        await settled(bus)
    assert [each.outcome for each in await entries(bus)] == ["filtered"]


@pytest.mark.parametrize("damage", ["lost", "changed"])
async def test_lost_or_damaged_data_makes_one_dead_letter_and_stops_nobody(
    bus: Bus, tmp_path: Path, damage: str
) -> None:
    for number in range(4):
        await put(bus, number, {"n": number, "note": "x" * 100_000})
    part = SUBJECTS.data_part(check_of({"n": 1, "note": "x" * 100_000}).digest, 0)
    if damage == "lost":
        await bus.jetstream.purge_stream("t-data", subject=part)
    else:
        await bus.jetstream.publish(part, b"x" * 100_000)
    async with running_router(bus, project(tmp_path, "- where: n >= 0\n")):
        await settled(bus)
        (letter,) = await letters_of(bus, 1)
    assert letter.message_id == "m1"
    wanted = "not there any more" if damage == "lost" else "damaged"
    assert wanted in letter.cause.reason
    assert letter.cause.attempts == 1
    found = [await bus.claim_checks.message(each) for each in await in_book(bus)]
    assert [json.loads(each.data)["n"] for each in found] == [0, 2, 3]


async def test_large_messages_of_a_key_stay_in_order_by_what_their_data_says_I7(
    bus: Bus, tmp_path: Path
) -> None:
    folder = project(tmp_path, "- where: n >= 0\n")
    route = folder / "routes" / "r.yaml"
    route.write_text(route.read_text() + "order: who\n")
    for number in range(9):
        size = 100_000 if number % 2 else 10
        await put(bus, number, {"n": number, "who": f"{number % 3}", "note": "x" * size})
    async with running_router(bus, folder):
        await settled(bus)
    sent = [await bus.claim_checks.message(each) for each in await in_book(bus)]
    found = [json.loads(each.data) for each in sent]
    for who in "012":
        assert [each["n"] for each in found if each["who"] == who] == [
            int(who) + n for n in (0, 3, 6)
        ]
    assert {each.extensions["partitionkey"] for each in sent} == {"0", "1", "2"}


async def test_a_reference_that_is_not_ours_is_a_dead_letter(bus: Bus, tmp_path: Path) -> None:
    foreign = msgspec.structs.replace(order(1, {}), data=b"", dataref="")
    headers = foreign.headers() | {HEADER: "http://127.0.0.1:1/secret"}
    await bus.jetstream.publish(SUBJECTS.incoming(ORDER), b"", headers=headers)
    async with running_router(bus, project(tmp_path, "- where: note\n")):
        (letter,) = await letters_of(bus, 1)
    assert letter.cause.reason == "its dataref is none that this mesh has made"


async def test_a_store_that_is_away_costs_no_message_an_attempt(bus: Bus, tmp_path: Path) -> None:
    await put(bus, 1, LARGE)
    config = (await bus.jetstream.stream_info("t-data")).config
    folder = project(tmp_path, "- where: note\n", policy="{breaker_pause: 100ms, delays: [50ms]}")
    stored = [each async for each in bus.read("data")]
    await bus.jetstream.delete_stream("t-data")
    async with running_router(bus, folder):
        async with asyncio.timeout(30):
            while not any(each.redelivered for each in await bus.consumers("in")):
                await asyncio.sleep(0.05)
        assert [each async for each in bus.read("dead")] == []
    # No router looks between the stream and its data: data that is not there is a dead letter.
    await bus.jetstream.add_stream(config)
    for each in stored:
        await bus.jetstream.publish(each.subject, each.data)
    async with running_router(bus, folder):
        await settled(bus)
    assert len(await in_book(bus)) == 1
    assert [each async for each in bus.read("dead")] == []


async def test_who_waits_for_his_turn_keeps_his_data_and_is_sent_whole(
    bus: Bus, tmp_path: Path
) -> None:
    patient = RESEQUENCING.replace("gap: 1s", "gap: 10m")
    folder = write_aggregating(tmp_path, route=patient)
    lines = {number: _long(number) for number in (1, 2, 3)}
    async with running_router(bus, folder):
        await bus.publish_many([(SUBJECTS.incoming(each.type), each) for each in _late(lines)])
        await _purge_when_read(bus)
        for _ in range(2):
            await DataSweep(bus, grace=0.0).sweep()
        assert len(await objects(bus)) == 2  # of both that wait
        await bus.publish(SUBJECTS.incoming(lines[1].type), lines[1])
        async with asyncio.timeout(30):
            while len(await in_book(bus)) < 3:
                await asyncio.sleep(0.05)
    found = [await bus.claim_checks.message(each) for each in await in_book(bus)]
    assert [each.data for each in found] == [lines[number].data for number in (1, 2, 3)]


def _long(number: int) -> Message:
    made = line("o1", number, 3)
    data = msgspec.json.decode(made.data) | {"text": f"{number}" * 100_000}
    return msgspec.structs.replace(made, data=msgspec.json.encode(data))


def _late(lines: dict[int, Message]) -> list[Message]:
    return [lines[3], lines[2]]


async def _purge_when_read(bus: Bus) -> None:
    async with asyncio.timeout(30):
        while any(each.lag for each in await bus.consumers("in")):
            await asyncio.sleep(0.05)
    await bus.jetstream.purge_stream("t-in")
