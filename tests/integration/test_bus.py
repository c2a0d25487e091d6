"""The bus against a real nats-server: what is answered is stored, once, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from crossdock.contracts import Disconnected, Message, Reject, Retry, Subjects
from crossdock.mesh.bus import Bus, ConsumerSpec, Incoming, Puller
from crossdock.mesh.project.scalars import Duration, Size
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from eventually import eventually
from nats_server import NatsServer

SUBJECTS = Subjects("t")
SUBJECT = SUBJECTS.incoming("a.b.c")


def message(number: int, data: bytes = b"{}") -> Message:
    return Message(id=f"m{number}", source="/test", type="a.b.c", data=data)


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings())
    yield bus
    await bus.close()


async def stored_ids(bus: Bus, kind: str = "in") -> list[str]:
    """Read a whole stream with a consumer of its own."""
    puller = bus.puller(
        ConsumerSpec(stream=f"t-{kind}", durable="reader", filters=(f"t.{kind}.>",))
    )
    await puller.start()
    ids: list[str] = []
    while batch := await puller.next(500, 0.5):
        for each in batch:
            ids.append(each.message().id)
            await each.ack()
    await puller.stop()
    return ids


async def take(puller: Puller, count: int, within: float = 30) -> list[Incoming]:
    taken: list[Incoming] = []
    async with asyncio.timeout(within):
        while len(taken) < count:
            taken += await puller.next(count - len(taken), 1)
    return taken


async def test_a_batch_is_stored_in_order_with_one_commit(bus: Bus) -> None:
    published = await bus.publish_many([(SUBJECT, message(n)) for n in range(2500)])
    assert [each.sequence for each in published] == list(range(1, 2501))
    assert await stored_ids(bus) == [f"m{n}" for n in range(2500)]
    committer = bus._committers["in"]
    assert (committer.commits, committer.fallbacks) == (3, 0)


async def test_concurrent_publishes_are_grouped(bus: Bus) -> None:
    await asyncio.gather(*(bus.publish(SUBJECT, message(n)) for n in range(200)))
    assert sorted(await stored_ids(bus)) == sorted(f"m{n}" for n in range(200))
    assert bus._committers["in"].commits <= 5


async def test_a_message_published_again_is_stored_once_also_within_a_batch_I4(bus: Bus) -> None:
    await bus.publish_many([(SUBJECT, message(n)) for n in range(10)])
    again = await bus.publish_many([(SUBJECT, message(n)) for n in range(5, 15)])
    assert [each.duplicate for each in again] == [True] * 5 + [False] * 5
    twice = await bus.publish_many([(SUBJECT, message(20)), (SUBJECT, message(20))])
    assert [each.duplicate for each in twice] == [False, True]
    assert await stored_ids(bus) == [f"m{n}" for n in [*range(15), 20]]


async def test_one_callers_bad_message_does_not_fail_the_others_in_its_batch(bus: Bus) -> None:
    bus.claim_checks.above = 2_000_000  # so that it is not kept apart
    too_large = Message(id="x", source="/test", type="a.b.c", data=b"x" * 2_000_000)
    results = await asyncio.gather(
        bus.publish(SUBJECT, message(1)),
        bus.publish(SUBJECT, too_large),
        bus.publish(SUBJECT, message(2)),
        return_exceptions=True,
    )
    assert isinstance(results[1], Reject)
    assert await stored_ids(bus) == ["m1", "m2"]


async def test_a_full_stream_says_retry_and_keeps_what_it_has_I8(nats_server: NatsServer) -> None:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings(max_bytes=Size(20_000)))
    kept = await publish_until_refused(bus)
    with pytest.raises(Retry):
        await bus.publish_many([(SUBJECT, message(n, b"x" * 1000)) for n in range(100, 110)])
    assert await stored_ids(bus) == [f"m{n}" for n in range(kept)]
    await bus.close()


async def publish_until_refused(bus: Bus) -> int:
    for n in range(100):
        try:
            await bus.publish(SUBJECT, message(n, b"x" * 1000))
        except Retry:
            return n
    raise AssertionError("never full")


async def test_without_broker_a_publish_fails_at_once_and_goes_on_after_it(
    bus: Bus, nats_server: NatsServer
) -> None:
    await bus.publish(SUBJECT, message(1))
    nats_server.kill()
    with pytest.raises(Disconnected):
        await bus.publish(SUBJECT, message(2))
    nats_server.start()
    async with asyncio.timeout(30):
        while not bus.connected:
            await asyncio.sleep(0.05)
    assert (await bus.publish(SUBJECT, message(2))).sequence == 2
    assert await stored_ids(bus) == ["m1", "m2"]


async def test_what_was_answered_survives_a_kill_of_the_broker_under_load_I1(
    bus: Bus, nats_server: NatsServer
) -> None:
    answered: list[str] = []

    async def publish(n: int) -> None:
        for _ in range(200):
            try:
                await bus.publish(SUBJECT, message(n))
            except (Disconnected, Retry):
                await asyncio.sleep(0.05)
            else:
                answered.append(f"m{n}")
                return
        raise AssertionError("never published")

    async def load() -> None:
        for start in range(0, 3000, 100):
            await asyncio.gather(*(publish(n) for n in range(start, start + 100)))

    task = asyncio.create_task(load())
    for count in (300, 1500):
        while len(answered) < count:
            await asyncio.sleep(0.01)
        nats_server.kill()
        nats_server.start()
    await task
    ids = await stored_ids(bus)
    assert len(ids) == len(set(ids)) == 3000
    assert set(ids) == set(answered)


def spec(durable: str = "c", **changes: object) -> ConsumerSpec:
    return ConsumerSpec(stream="t-in", durable=durable, filters=("t.in.a.b.c",), **changes)  # type: ignore[arg-type] # test shorthand


async def test_two_pullers_share_the_messages_of_a_consumer(bus: Bus) -> None:
    first, second = bus.puller(spec()), bus.puller(spec())
    await first.start()
    await second.start()
    assert await first.next(10, 0.01) == []
    assert await second.next(10, 0.01) == []
    await bus.publish_many([(SUBJECT, message(n)) for n in range(20)])
    got = [*await take(first, 10), *await take(second, 10)]
    assert sorted(each.sequence for each in got) == list(range(1, 21))
    await first.stop()
    await second.stop()


async def test_a_deleted_consumer_is_made_again_where_it_was(bus: Bus) -> None:
    puller = bus.puller(spec())
    await puller.start()
    await bus.publish_many([(SUBJECT, message(n)) for n in range(5)])
    for each in await take(puller, 5):
        await each.ack()
    await bus.client.flush()
    await bus.jetstream.delete_consumer("t-in", "c")
    await bus.publish_many([(SUBJECT, message(n)) for n in range(5, 8)])
    assert [each.message().id for each in await take(puller, 3, within=30)] == ["m5", "m6", "m7"]
    assert puller.repaired == 1
    await puller.stop()


async def test_a_puller_goes_on_after_the_broker_was_away(
    bus: Bus, nats_server: NatsServer
) -> None:
    puller = bus.puller(spec())
    await puller.start()
    assert await puller.next(10, 0.01) == []
    nats_server.kill()
    assert await puller.next(10, 1.0) == []
    nats_server.start()
    other = await Bus.connect(nats_server.url, SUBJECTS, name="other")
    await other.publish(SUBJECT, message(1))
    assert [each.message().id for each in await take(puller, 1, within=20)] == ["m1"]
    await puller.stop()
    await other.close()


async def test_one_of_many_pullers_asks_again_as_soon_as_the_connection_is_back(
    bus: Bus, nats_server: NatsServer
) -> None:
    many = [bus.puller(spec()) for _ in range(4000)]  # its heartbeat would tell after a minute
    puller = many[0]
    await puller.start()
    assert await puller.next(10, 0.01) == []
    nats_server.kill()
    nats_server.start()
    other = await Bus.connect(nats_server.url, SUBJECTS, name="other")
    await other.publish(SUBJECT, message(1))
    assert [each.message().id for each in await take(puller, 1, within=25)] == ["m1"]
    await puller.stop()
    await other.close()


async def test_a_nak_waits_its_delay_and_a_stopped_puller_gives_back_what_it_held(
    bus: Bus,
) -> None:
    puller = bus.puller(spec())
    await puller.start()
    await bus.publish_many([(SUBJECT, message(n)) for n in range(6)])
    (first,) = await take(puller, 1)
    loop = asyncio.get_running_loop()
    start = loop.time()
    await first.nak(0.4)
    while len(puller.held()) < 5:
        await asyncio.sleep(0.01)
    await puller.stop()
    second = bus.puller(spec())
    await second.start()
    again = await take(second, 6)
    assert loop.time() - start >= 0.4
    assert sorted(each.sequence for each in again) == [1, 2, 3, 4, 5, 6]
    assert all(each.delivered == 2 for each in again)
    await second.stop()


async def test_changed_settings_of_a_consumer_are_put_back(bus: Bus) -> None:
    puller = bus.puller(spec())
    await puller.start()
    changed = bus.puller(spec(ack_wait=77.0))
    await changed.ensure()
    await puller.ensure()
    info = await bus.jetstream.consumer_info("t-in", "c")
    assert info.config.ack_wait == 10.0
    await puller.stop()


async def test_provision_is_repeatable_and_updates_what_changed(bus: Bus) -> None:
    await provision(bus, BrokerSettings(duplicate_window=Duration(60)))
    info = await bus.jetstream.stream_info("t-in")
    assert info.config.duplicate_window == 60.0
    assert info.config.allow_atomic


async def test_leaving_is_not_told_as_a_lost_connection_but_a_lost_one_is(
    nats_server: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    await bus.close()
    assert "broker disconnected" not in caplog.text
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    nats_server.kill()
    await eventually(lambda: "broker disconnected" in caplog.text)
    await bus.close()
