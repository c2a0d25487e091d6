"""A consumer whose leader was killed has a new one: its puller learns of it, not of a missed beat.

The new leader answers the requests that the one before it had: so heartbeats may be rare.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crossdock.contracts import Disconnected, Message, Subjects
from crossdock.mesh.bus import Bus, ConsumerSpec
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from nats_cluster import NatsCluster, Node

SUBJECTS = Subjects("e")
SUBJECT = SUBJECTS.incoming("a.b.c")
SPEC = ConsumerSpec(stream="e-in", durable="route-a", filters=(SUBJECT,))
OTHERS = 1500  # so many that a heartbeat is missed after 84 seconds at the earliest
NOTICED = 45.0


class Other:
    """One of many pullers of the connection."""

    def doubt(self) -> None:
        """It has no request."""

    async def visit(self) -> None:
        """Nothing is due."""


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[NatsCluster]:
    cluster = NatsCluster(tmp_path)
    cluster.start()
    try:
        await cluster.ready()
        yield cluster
    finally:
        cluster.kill()


async def publish(bus: Bus, number: int) -> None:
    """Publish until it is stored: the stream has to find a leader, too."""
    async with asyncio.timeout(60):
        while True:
            try:
                await bus.publish(
                    SUBJECT, Message(id=f"m{number}", source="/test", type="a.b.c", data=b"{}")
                )
            except Disconnected:
                await asyncio.sleep(0.1)
            else:
                return


async def leader(bus: Bus, cluster: NatsCluster) -> Node:
    info = await bus.jetstream.consumer_info(SPEC.stream, SPEC.durable)
    assert info.cluster is not None
    return cluster.node(str(info.cluster.leader))


async def test_a_puller_asks_the_new_leader_long_before_it_misses_a_heartbeat(
    cluster: NatsCluster,
) -> None:
    first = await Bus.connect(cluster.url, SUBJECTS, name="first")
    await provision(first, BrokerSettings(replicas=3))
    await first.puller(SPEC).ensure()
    leading = await leader(first, cluster)
    await first.close()
    apart = next(node for node in cluster.nodes if node is not leading)
    bus = await Bus.connect(apart.url, SUBJECTS, name="apart")
    others = [Other() for _ in range(OTHERS)]
    for each in others:
        bus._events.pullers.join(each)
    puller = bus.puller(SPEC)
    await puller.start()
    await publish(bus, 1)
    assert [each.message().id for each in await puller.next(1, 30)] == ["m1"]
    waiting = asyncio.create_task(puller.next(1, 120))
    await asyncio.sleep(1)
    assert await leader(bus, cluster) is leading
    leading.kill()
    await publish(bus, 2)
    begin = time.monotonic()
    found = await waiting
    assert time.monotonic() - begin < NOTICED
    assert found
    await puller.stop()
    await bus.close()
