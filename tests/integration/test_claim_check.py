"""Claim Check on a real broker: large data is kept apart, and comes back whole."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator

import msgspec
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest

from crossdock.contracts import Disconnected, Message, Reject, Retry, Subjects
from crossdock.contracts.claim_check import HEADER, ClaimCheck
from crossdock.mesh.bus import Bus
from crossdock.mesh.bus.data_store import DataStore
from crossdock.mesh.project.scalars import Size
from crossdock.mesh.project.settings import BrokerSettings, ClaimCheckSettings
from crossdock.mesh.streams import provision
from crossdock.mesh.telemetry import (
    ClaimMetrics,
    ClaimWatch,
    Metrics,
    Tracing,
    new_traceparent,
)
from nats_server import NatsServer

SUBJECTS = Subjects("t")
IN = SUBJECTS.incoming("a.b.c")
MIB = 1024**2


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings())
    yield bus
    await bus.close()


def data_of(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - no secret


def message(number: int, data: bytes) -> Message:
    return Message(id=f"m{number}", source="/t", type="a.b.c", data=data)


async def objects(bus: Bus) -> int:
    return len(await bus.claim_checks.store.entries())


async def test_large_data_is_kept_apart_and_comes_back_byte_by_byte(bus: Bus) -> None:
    data = data_of(5 * MIB + 17)
    published = await bus.publish(IN, message(1, data))
    stored = await bus.read_one("in", published.sequence)
    assert stored is not None
    assert stored.data == b""
    assert stored.headers[HEADER] == (
        f"crossdock:data/{hashlib.sha256(data).hexdigest()}/{len(data)}"
    )
    found = await bus.claim_checks.message(stored)
    assert found.data == data
    assert "dataref" not in found.extensions


async def test_small_data_travels_with_its_message(bus: Bus) -> None:
    published = await bus.publish(IN, message(1, data_of(256 * 1024)))
    stored = await bus.read_one("in", published.sequence)
    assert stored is not None
    assert len(stored.data) == 256 * 1024
    assert HEADER not in stored.headers
    assert await objects(bus) == 0


async def test_the_same_data_is_kept_once(bus: Bus) -> None:
    data = data_of(MIB)
    await bus.publish_many([(IN, message(number, data)) for number in range(5)])
    assert await objects(bus) == 1
    assert (await bus.extent("data")).messages == 5  # four parts and an entry


async def test_large_and_small_ones_keep_their_order_in_one_batch(bus: Bus) -> None:
    data = {n: data_of(MIB if n % 2 else 100, n) for n in range(6)}
    published = await bus.publish_many([(IN, message(n, each)) for n, each in data.items()])
    assert [each.sequence for each in published] == [1, 2, 3, 4, 5, 6]
    found = [await bus.claim_checks.message(each) async for each in bus.read("in")]
    assert [each.data for each in found] == list(data.values())


async def test_data_beyond_the_bound_of_the_mesh_is_refused(bus: Bus) -> None:
    bus.claim_checks.configure(ClaimCheckSettings(most=Size(MIB)))
    with pytest.raises(Reject, match=r"1048577 bytes, claim_check\.most"):
        await bus.publish(IN, message(1, data_of(MIB + 1)))
    assert (await bus.extent("in")).messages == 0


async def test_a_full_store_says_so_and_stores_nothing_I8(nats_server: NatsServer) -> None:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings(max_bytes=Size(6 * MIB)))
    try:
        await bus.publish(IN, message(1, data_of(2 * MIB, 1)))
        with pytest.raises(Retry, match="full"):
            await bus.publish(IN, message(2, data_of(2 * MIB, 2)))
        assert (await bus.extent("in")).messages == 1
        assert await objects(bus) == 1
        assert (await bus.extent("data")).messages == 9  # nothing of the second
    finally:
        await bus.close()


async def test_a_reference_of_somebody_else_is_never_followed(bus: Bus) -> None:
    digest = "a" * 64
    for dataref in (
        "http://127.0.0.1/secret",
        "file:///etc/passwd",
        f"crossdock:data/{digest}/999999999",
        f"crossdock:data/{digest}/0",
        f"crossdock:data/{digest[:-1]}*/10",
        f"crossdock:data/{digest}/10/../x",
        f"crossdock:data/{digest}/10\n",
    ):
        with pytest.raises(Reject, match="none that this mesh has made"):
            await bus.claim_checks.fetch(
                Message(id="1", source="/t", type="a.b.c", dataref=dataref)
            )


async def test_missing_data_is_told(bus: Bus) -> None:
    check = ClaimCheck.of(b"never stored")
    with pytest.raises(Reject, match="not there any more"):
        await bus.claim_checks.fetch(Message(id="1", source="/t", type="a.b.c", dataref=str(check)))
    with pytest.raises(Reject, match="not there any more"):  # nor is it passed on
        await bus.publish(IN, Message(id="1", source="/t", type="a.b.c", dataref=str(check)))


@pytest.mark.parametrize("damage", ["changed", "cut", "lost"])
async def test_damaged_data_is_never_taken_for_the_data(bus: Bus, damage: str) -> None:
    data = data_of(MIB)
    published = await bus.publish(IN, message(1, data))
    check = ClaimCheck.of(data)
    part = SUBJECTS.data_part(check.digest, 2)
    if damage == "lost":
        await bus.jetstream.purge_stream("t-data", subject=part)
    else:
        await bus.jetstream.publish(part, data_of(256 * 1024 if damage == "changed" else 10, 9))
    stored = await bus.read_one("in", published.sequence)
    assert stored is not None
    with pytest.raises(Reject, match="not there any more" if damage == "lost" else "damaged"):
        await bus.claim_checks.message(stored)


async def test_who_uses_data_and_who_removes_it_never_both_win(bus: Bus) -> None:
    store = bus.claim_checks.store
    data = data_of(600 * 1024)
    check = ClaimCheck.of(data)
    for _ in range(40):
        await store.hold(check, data)
        sequence = (await store.entries())[check.digest]
        _, removed = await asyncio.gather(
            store.hold(check, data), store.remove(check.digest, sequence)
        )
        # Whoever was first, who held it has it.
        assert await store.get(check) == data, removed
        assert await objects(bus) == 1


async def test_what_was_used_since_it_was_looked_at_is_not_removed(bus: Bus) -> None:
    store = bus.claim_checks.store
    data = data_of(600 * 1024)
    check = ClaimCheck.of(data)
    await store.hold(check, data)
    looked_at = (await store.entries())[check.digest]
    await store.hold(check)  # somebody is about to publish its check
    assert not await store.remove(check.digest, looked_at)
    assert await store.get(check) == data
    assert await store.remove(check.digest, (await store.entries())[check.digest])
    assert (await bus.extent("data")).messages == 0


async def test_two_that_store_the_same_data_at_once_leave_nothing_twice(bus: Bus) -> None:
    data = data_of(3 * MIB)
    check = ClaimCheck.of(data)
    stores = [DataStore(bus.client, SUBJECTS) for _ in range(8)]
    stored = await asyncio.gather(*(each.hold(check, data) for each in stores))
    assert sum(stored) == 1
    assert (await bus.extent("data")).messages == 13
    assert await stores[0].get(check) == data


async def test_data_and_message_survive_a_crash_of_the_broker_I1(
    bus: Bus, nats_server: NatsServer
) -> None:
    data = data_of(4 * MIB)
    await bus.publish(IN, message(1, data))
    nats_server.kill()
    nats_server.start()
    async with asyncio.timeout(20):
        while True:
            try:
                found = [await bus.claim_checks.message(each) async for each in bus.read("in")]
            except Disconnected:
                await asyncio.sleep(0.1)
                continue
            break
    assert [each.data for each in found] == [data]


async def test_what_is_left_and_fetched_is_counted_and_traced(bus: Bus) -> None:
    registry, spans = CollectorRegistry(), InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    bus.claim_checks.watch = ClaimWatch(
        ClaimMetrics.of(Metrics(registry, "t", "test")),
        Tracing(1.0, provider.get_tracer("test")),
        "t-data",
    )
    root = new_traceparent(1)
    large = msgspec.structs.replace(message(1, data_of(MIB)), extensions={"traceparent": root})
    published = await bus.publish(IN, large)
    await bus.claim_checks.store.hold(ClaimCheck.of(large.data))
    stored = await bus.read_one("in", published.sequence)
    assert stored is not None
    await bus.claim_checks.message(stored)
    found = {each.name: each for each in spans.get_finished_spans()}
    assert set(found) == {"put t-data", "get t-data"}
    assert {f"{each.context.trace_id:032x}" for each in found.values()} == {root[3:35]}
    shown = generate_latest(registry).decode()
    assert 'crossdock_data_held_messages_total{component="bus",data="stored"' in shown
    assert (
        'crossdock_data_fetched_messages_total{component="bus",mesh="t",service="test"} 1.0'
        in shown
    )
