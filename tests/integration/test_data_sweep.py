"""Data that is kept apart goes when nothing refers to it any more, and never before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest

from crossdock.contracts import Message, Reject, Subjects
from crossdock.contracts.claim_check import ClaimCheck
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus, ClaimChecks, ConsumerSpec, Swap
from crossdock.mesh.data_sweep import DataSweep
from crossdock.mesh.janitor import Janitor
from crossdock.mesh.project.scalars import Size
from crossdock.mesh.project.settings import BrokerSettings, ClaimCheckSettings
from crossdock.mesh.redriving import again, redrive
from crossdock.mesh.streams import provision
from nats_server import NatsServer

SUBJECTS = Subjects("t")
IN = SUBJECTS.incoming("a.b.c")
OUT = SUBJECTS.outgoing("book")
CAUSE = dead_letters.Cause(kind="destination", where="book", reason="no")


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    bus.claim_checks.configure(ClaimCheckSettings(above=Size(1024), most=Size(1024**2)))
    await provision(bus, BrokerSettings())
    yield bus
    await bus.close()


def message(number: int, data: bytes | None = None) -> Message:
    found = f"{number:08}".encode() * 500 if data is None else data
    return Message(id=f"m{number}", source="/t", type="a.b.c", data=found)


def digest(number: int) -> str:
    return ClaimCheck.of(message(number).data).digest


async def kept(bus: Bus) -> set[str]:
    return set(await bus.claim_checks.store.entries())


async def purge(bus: Bus, kind: str, keep: int = 0) -> None:
    """Remove history as the janitor does: from the beginning."""
    extent = await bus.extent(kind)
    if extent.messages > keep:
        await bus.jetstream.purge_stream(SUBJECTS.stream(kind), seq=extent.last + 1 - keep)


async def swept(bus: Bus, times: int = 2) -> set[str]:
    """Sweep without grace, often enough that a horizon is known; return what is left."""
    sweep = DataSweep(bus, grace=0.0)
    for _ in range(times):
        await sweep.sweep()
    return await kept(bus)


async def test_data_stays_as_long_as_its_message_and_goes_with_it(bus: Bus) -> None:
    await bus.publish_many([(IN, message(number)) for number in range(6)])
    assert len(await swept(bus)) == 6
    await purge(bus, "in", keep=2)
    sweep = DataSweep(bus, grace=0.0)
    await sweep.sweep()
    assert {digest(4), digest(5)} <= await kept(bus)
    await purge(bus, "in")
    assert await swept(bus) == set()
    assert (await bus.extent("data")).messages == 0  # parts, too


async def test_data_of_what_a_route_sent_on_unchanged_stays_with_that(bus: Bus) -> None:
    published = await bus.publish(IN, message(1))
    stored = await bus.read_one("in", published.sequence)
    assert stored is not None
    await bus.publish(OUT, Message.from_headers(stored.headers, stored.data))
    await purge(bus, "in")
    assert await swept(bus) == {digest(1)}
    await purge(bus, "out")
    assert await swept(bus) == set()


async def test_a_dead_letter_keeps_its_data_and_nothing_else_I3(bus: Bus) -> None:
    for number in (1, 2):
        published = await bus.publish(OUT, message(number))
    stored = await bus.read_one("out", published.sequence)
    assert stored is not None
    letter = await dead_letters.put(
        bus, CAUSE, key="1", subject=OUT, headers=stored.headers, data=stored.data
    )
    await purge(bus, "out")
    assert await swept(bus) == {digest(2)}
    found = await dead_letters.get(bus, letter.sequence)
    assert found is not None
    assert found.size == 4000
    assert (await dead_letters.whole(bus, found)).data == message(2).data
    await bus.delete("dead", letter.sequence)
    assert await swept(bus) == set()


async def test_a_redriven_letter_takes_its_data_along(bus: Bus) -> None:
    published = await bus.publish(OUT, message(1))
    stored = await bus.read_one("out", published.sequence)
    assert stored is not None
    number = await dead_letters.put(
        bus, CAUSE, key="1", subject=OUT, headers=stored.headers, data=stored.data
    )
    await purge(bus, "out")
    letter = await dead_letters.get(bus, number.sequence)
    assert letter is not None
    await redrive(bus, [again(bus, letter, letter.data)], by="test", reason="")
    assert await dead_letters.get(bus, number.sequence) is None
    assert await swept(bus) == {digest(1)}
    (sent,) = [await bus.claim_checks.message(each) async for each in bus.read("out")]
    assert sent.data == message(1).data
    assert sent.origin == "/t m1"


async def test_a_group_keeps_the_data_of_who_waits_in_it(bus: Bus) -> None:
    await bus.publish_many([(IN, message(number)) for number in (1, 2)])
    waits = f'{{"members":[["{ClaimCheck.of(message(1).data)}"]]}}'.encode()
    await bus.swap("group", [Swap(SUBJECTS.group("open", "r", "k"), waits, {}, 0)])
    await purge(bus, "in")
    assert await swept(bus) == {digest(1)}


async def test_what_was_stored_and_never_published_goes_after_the_grace(bus: Bus) -> None:
    data = message(1).data
    await bus.claim_checks.store.hold(ClaimCheck.of(data), data)  # then its process ends
    sweep = DataSweep(bus, grace=3600.0)
    for _ in range(3):
        await sweep.sweep()
    assert await kept(bus) == {digest(1)}
    assert await swept(bus) == set()


async def test_what_is_held_while_a_sweep_looks_is_not_removed(bus: Bus) -> None:
    await bus.publish(IN, message(1))
    await purge(bus, "in")

    class Overtaken(DataSweep):
        """Somebody publishes the data anew after the last look at what refers to it."""

        async def _used(self, digests: Iterable[str]) -> set[str]:
            used = await super()._used(digests)
            assert not used
            await bus.publish(OUT, message(1))
            return used

    bus.claim_checks = ClaimChecks(bus.claim_checks.store, bus.max_payload)
    bus.claim_checks.configure(ClaimCheckSettings(above=Size(1024)))
    await Overtaken(bus, grace=0.0).sweep()
    (sent,) = [await bus.claim_checks.message(each) async for each in bus.read("out")]
    assert sent.data == message(1).data


async def test_a_horizon_lasts_over_the_end_of_its_janitor(bus: Bus) -> None:
    await bus.publish(IN, message(1))
    await swept(bus)
    await bus.publish(IN, message(2))
    await purge(bus, "in", keep=1)
    young = DataSweep(bus, grace=3600.0)  # it has seen nothing for long enough itself
    await young.sweep()
    assert await kept(bus) == {digest(2)}


async def test_what_is_left_of_an_interrupted_removal_goes_too(bus: Bus) -> None:
    await bus.publish_many([(IN, message(number)) for number in (1, 2)])
    await bus.jetstream.purge_stream("t-data", subject=SUBJECTS.data_entry(digest(1)))
    before = (await bus.extent("data")).messages
    await DataSweep(bus, grace=3600.0).sweep()
    assert (await bus.extent("data")).messages == before - 1
    assert (await bus.claim_checks.fetch(message(2))).data == message(2).data


async def test_negative_control_a_sweep_that_reads_no_dead_letters_is_found_out(bus: Bus) -> None:
    class Blind(DataSweep):
        async def _used(self, digests: Iterable[str]) -> set[str]:
            return set(digests) - set(digests)

    published = await bus.publish(OUT, message(1))
    stored = await bus.read_one("out", published.sequence)
    assert stored is not None
    number = await dead_letters.put(
        bus, CAUSE, key="1", subject=OUT, headers=stored.headers, data=stored.data
    )
    await purge(bus, "out")
    for _ in range(2):
        await Blind(bus, grace=0.0).sweep()
    letter = await dead_letters.get(bus, number.sequence)
    assert letter is not None
    with pytest.raises(Reject, match="not there any more"):
        await dead_letters.whole(bus, letter)


async def test_when_data_fills_its_stream_history_goes_earlier_and_nothing_unread(
    nats_server: NatsServer,
) -> None:
    settings = BrokerSettings(max_bytes=Size(200_000))  # half of it for data
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    bus.claim_checks.configure(ClaimCheckSettings(above=Size(1024)))
    await provision(bus, settings)
    try:
        published = await bus.publish_many([(OUT, message(number)) for number in range(20)])
        await consume(bus, 12)
        await Janitor(bus, settings).clean_data()
        assert (await bus.extent("data")).size > 80_000
        extent = await bus.extent("out")
        assert published[2].sequence < extent.first <= published[12].sequence
    finally:
        await bus.close()


async def consume(bus: Bus, count: int) -> None:
    """Acknowledge so many messages of the destination."""
    spec = ConsumerSpec(stream="t-out", durable="dest-book", filters=(OUT,))
    puller = bus.puller(spec, prefetch=count)
    await puller.start()
    done = 0
    async with asyncio.timeout(20):
        while done < count:
            for each in await puller.next(count - done, 1):
                await each.ack()
                done += 1
        await bus.client.flush()
        await puller.stop()
        while (await bus.consumers("out"))[0].floor < count:
            await asyncio.sleep(0.05)
