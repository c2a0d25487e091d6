"""The janitor on a real broker: history goes, what is unread stays (I8)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from crossdock.contracts import Message, Subjects
from crossdock.mesh.bus import Bus, ConsumerSpec
from crossdock.mesh.janitor import Fill, Janitor, keep_from
from crossdock.mesh.project.scalars import Duration, Size
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from nats_server import NatsServer

SUBJECTS = Subjects("t")


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    yield bus
    await bus.close()


async def fill(bus: Bus, destination: str, count: int, start: int = 0) -> None:
    subject = SUBJECTS.outgoing(destination)
    await bus.publish_many(
        [
            (subject, Message(id=f"{destination}{n}", source="/t", type="a.b.c", data=b"x" * 1000))
            for n in range(start, start + count)
        ]
    )


async def read(bus: Bus, destination: str, count: int) -> None:
    """Acknowledge so many messages of a destination."""
    spec = ConsumerSpec(
        stream="t-out", durable=f"dest-{destination}", filters=(SUBJECTS.outgoing(destination),)
    )
    puller = bus.puller(spec, prefetch=max(1, count))
    await puller.start()
    done = 0
    async with asyncio.timeout(30):
        while done < count:
            for each in await puller.next(count - done, 1):
                await each.ack()
                done += 1
    await bus.client.flush()
    await puller.stop()


async def first(bus: Bus) -> int:
    return (await bus.jetstream.stream_info("t-out")).state.first_seq


async def test_what_was_accepted_before_there_are_routes_stays_also_when_it_is_full_I8(
    bus: Bus,
) -> None:
    settings = BrokerSettings(history=Duration(0.1), max_bytes=Size(100_000))
    await provision(bus, settings)
    subject = SUBJECTS.incoming("a.b.c")
    await bus.publish_many(
        [
            (subject, Message(id=f"{n}", source="/t", type="a.b.c", data=b"x" * 1000))
            for n in range(70)
        ]
    )
    await asyncio.sleep(0.2)  # past the history
    assert await Janitor(bus, settings).clean("in") == 1
    assert (await bus.jetstream.stream_info("t-in")).state.messages == 70


async def test_aged_history_goes_and_what_is_unread_stays(bus: Bus) -> None:
    settings = BrokerSettings(history=Duration(0.1))
    await provision(bus, settings)
    await fill(bus, "a", 20)
    await read(bus, "a", 12)
    await asyncio.sleep(0.2)  # the age of the messages is what is tested
    await Janitor(bus, settings).clean("out")
    assert await first(bus) == 13


async def test_a_destination_that_nobody_consumes_yet_keeps_its_messages(bus: Bus) -> None:
    settings = BrokerSettings(history=Duration(0.1))
    await provision(bus, settings)
    await fill(bus, "a", 5)
    await fill(bus, "nobody", 5)
    await fill(bus, "a2", 5)
    await read(bus, "a", 5)
    await read(bus, "a2", 5)
    await asyncio.sleep(0.2)
    await Janitor(bus, settings).clean("out")
    assert await first(bus) == 6


async def test_young_history_stays_until_the_stream_is_nearly_full(bus: Bus) -> None:
    settings = BrokerSettings(max_bytes=Size(120_000))
    await provision(bus, settings)
    await fill(bus, "a", 50)
    await read(bus, "a", 50)
    janitor = Janitor(bus, settings)
    await janitor.clean("out")
    assert await first(bus) == 1
    await fill(bus, "a", 40, start=50)
    await janitor.clean("out")
    assert 2 <= await first(bus) <= 51


def test_nothing_unread_is_ever_chosen() -> None:
    full = Fill(first=1, last=100, messages=100, size=1000, bound=1000)
    assert keep_from(full, read=0, aged=100) == 1
    assert keep_from(full, read=10, aged=0) == 11
    assert keep_from(full, read=100, aged=0) == 32


async def test_who_waits_for_room_does_not_wait_long(bus: Bus) -> None:
    settings = BrokerSettings(max_bytes=Size(100_000))
    await provision(bus, settings)
    await fill(bus, "a", 80)
    working = asyncio.create_task(Janitor(bus, settings).run())
    await asyncio.sleep(0.5)  # it has looked, and could remove nothing
    await read(bus, "a", 80)
    async with asyncio.timeout(30):
        while await first(bus) == 1:
            await asyncio.sleep(0.05)
    working.cancel()
