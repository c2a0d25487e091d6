"""Lag as the broker of a real stream tells it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from crossdock.contracts import Message, Subjects
from crossdock.mesh.bus import Bus, ConsumerSpec
from crossdock.mesh.lag import follow_lag
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from crossdock.mesh.telemetry import ComponentMetrics, Metrics
from nats_server import NatsServer

SUBJECTS = Subjects("t")
SUBJECT = SUBJECTS.incoming("a.b.c")
SPEC = ConsumerSpec(stream="t-in", durable="route-orders", filters=("t.in.>",))


class Lag:
    """The lag of one route, followed, and as the metrics show it."""

    def __init__(self, bus: Bus) -> None:
        self._registry = CollectorRegistry()
        gauge = ComponentMetrics.of(Metrics(self._registry, "t", "router"), "orders").pending
        follow = follow_lag(bus, ("in",), lambda: {"route-orders": gauge}, every=0.02)
        self.task = asyncio.create_task(follow)

    def shown(self) -> float | None:
        labels = {"mesh": "t", "service": "router", "component": "orders"}
        return self._registry.get_sample_value("crossdock_pending_messages", labels)

    async def becomes(self, value: float) -> None:
        async with asyncio.timeout(30):
            while self.shown() != value:
                assert not self.task.done()
                await asyncio.sleep(0.01)  # a gauge has no event to wait for


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings())
    yield bus
    await bus.close()


@pytest.fixture
async def lag(bus: Bus) -> AsyncIterator[Lag]:
    lag = Lag(bus)
    yield lag
    lag.task.cancel()
    await asyncio.wait([lag.task])


async def publish(bus: Bus, first: int, count: int) -> None:
    await bus.publish_many(
        [
            (SUBJECT, Message(id=f"m{n}", source="/t", type="a.b.c"))
            for n in range(first, first + count)
        ]
    )


async def test_lag_counts_what_is_not_settled_and_falls_to_nothing(bus: Bus, lag: Lag) -> None:
    puller = bus.puller(SPEC, prefetch=4)
    await puller.start()
    await publish(bus, 0, 10)
    await lag.becomes(10)

    taken = await puller.next(4, 5)
    for each in taken:
        await each.ack()
    await lag.becomes(10 - len(taken))
    while taken := await puller.next(10, 0.5):
        for each in taken:
            await each.ack()

    await lag.becomes(0)
    await puller.stop()


async def test_lag_grows_while_nobody_consumes_and_after_the_broker_was_away(
    bus: Bus, lag: Lag, nats_server: NatsServer
) -> None:
    puller = bus.puller(SPEC)
    await puller.ensure()
    await publish(bus, 0, 5)
    await lag.becomes(5)

    nats_server.kill()
    nats_server.start()
    async with asyncio.timeout(30):
        while not bus.connected:
            await asyncio.sleep(0.02)  # the client tells nobody
    await publish(bus, 5, 5)

    await lag.becomes(10)
