"""One of three broker nodes is killed or frozen under load: the other two go on."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest

from faults.observing import plain_client
from faults.rig import Rig, running_rig
from faults.scale import scale
from nats_cluster import NatsCluster, Node

GAP = 12.0
MOST = 60.0
FROZEN = 8.0
SETTINGS = "broker:\n  replicas: 3\n  max_bytes: 1GiB\n"
Place = Literal["leader", "follower"]
FAULTS: list[tuple[str, Place, str]] = [
    ("killed", "leader", "f-in"),
    ("frozen", "leader", "f-out"),
    ("killed", "follower", "f-out"),
    ("frozen", "follower", "f-in"),
]


@asynccontextmanager
async def running_cluster(folder: Path) -> AsyncIterator[tuple[Rig, NatsCluster]]:
    cluster = NatsCluster(folder / "nats")
    async with running_rig(folder, settings=SETTINGS, server=cluster) as rig:
        await cluster.ready()
        await rig.start()
        yield rig, cluster


async def chosen(cluster: NatsCluster, stream: str, place: Place) -> Node:
    """Return the node that leads a stream, or one that follows."""
    async with plain_client(cluster.url) as jetstream:
        info = (await jetstream.stream_info(stream)).cluster
    assert info is not None
    assert info.replicas is not None
    return cluster.node(str(info.leader if place == "leader" else info.replicas[0].name))


async def gap(rig: Rig) -> float:
    """Return the seconds until an order that is sent now has had its effect."""
    begin = time.monotonic()
    await rig.probe(MOST)
    return time.monotonic() - begin


@pytest.mark.fault
@pytest.mark.alone
async def test_three_nodes_lose_nothing_and_go_on_when_one_is_killed_or_frozen(
    tmp_path: Path,
) -> None:
    row = scale(messages=3000, kills=4)
    faults = itertools.islice(itertools.cycle(FAULTS), row.kills)
    gaps = []
    async with running_cluster(tmp_path) as (rig, cluster):
        async with rig.under_load("n", rate=100, at_least=row.messages, patience=row.patience):
            await rig.probe(MOST)
            for fault, place, stream in faults:
                node = await chosen(cluster, stream, place)
                if fault == "killed":
                    node.kill()
                    gaps.append(await gap(rig))
                    node.start()
                else:
                    node.freeze()
                    gaps.append(await gap(rig))
                    await asyncio.sleep(FROZEN)
                    node.thaw()
                await cluster.ready()
                await rig.probe(MOST)
        await rig.at_rest(row.patience)
        verdict = await rig.verdict()
    assert verdict.green, verdict
    assert statistics.median(gaps) < GAP, gaps
