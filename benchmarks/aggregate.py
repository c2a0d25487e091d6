"""Adding messages to groups with 100, 10,000 and 100,000 open ones, against a bare KV loop.

Ours is the store that routes use: batches of messages fold into states that are read, or
remembered, and written together by compare and set, with a timer for each group. The bare loop
keeps the same states in a key-value bucket of the same broker: get, append, update by revision, as
many at once as there are messages in a batch.

    python benchmarks/aggregate.py [--batches N] [--open N ...]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import time
from typing import NamedTuple

import msgspec
import nats
import uvloop
from broker import broker
from nats.js.api import KeyValueConfig
from prometheus_client import CollectorRegistry

from crossdock.contracts import Message, Subjects
from crossdock.mesh.bus import Bus
from crossdock.mesh.groups import Arrival, GroupStore, Member, Rule
from crossdock.mesh.groups.state import mark_of
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from crossdock.mesh.telemetry import GroupMetrics, Metrics

SUBJECTS = Subjects("b")
DATA = json.dumps({"sku": "sku-1", "qty": 2, "price": 9.5, "note": "x" * 150}).encode()
BATCH = 200
_FILL = 500


class Figures(NamedTuple):
    """What was measured at one number of open groups.

    Attributes:
        rate: Messages a second, in batches.
        p50: Median time of adding one message, in milliseconds.
        p99: 99th percentile of it.
    """

    rate: float
    p50: float
    p99: float


def arrival(number: int, key: int) -> Arrival:
    """Return one message for a group."""
    message = Message(id=f"m{number}", source="/bench", type="a.b.c")
    member = Member(mark_of(message), message.id, None, msgspec.Raw(DATA))
    return Arrival(key=key, member=member, message=message)


class Ours:
    """The store of a route's groups."""

    def __init__(self, bus: Bus) -> None:
        metrics = GroupMetrics.of(Metrics(CollectorRegistry(), "b", "router"), "r")
        rule = Rule(size=10_000, timeout=3600.0)
        self._store = GroupStore(bus, "r", rule, metrics, bound=1 << 40)
        self._number = 0

    async def fill(self, first: int, last: int) -> None:
        """Open groups."""
        for start in range(first, last, _FILL):
            await self.add(list(range(start, min(last, start + _FILL))))

    async def add(self, keys: list[int]) -> None:
        """Add a message to each of some groups."""
        arrivals = [arrival(self._number + at, key) for at, key in enumerate(keys)]
        self._number += len(keys)
        await self._store.join(arrivals)


class Bare:
    """A key-value bucket, as one would write it."""

    def __init__(self, bucket: nats.js.kv.KeyValue) -> None:
        self._bucket = bucket

    async def fill(self, first: int, last: int) -> None:
        """Open groups."""
        for start in range(first, last, _FILL):
            ours = range(start, min(last, start + _FILL))
            value = b"[" + DATA + b"]"
            await asyncio.gather(*(self._bucket.create(str(key), value) for key in ours))

    async def add(self, keys: list[int]) -> None:
        """Add a message to each of some groups."""
        await asyncio.gather(*(self._append(str(key)) for key in keys))

    async def _append(self, key: str) -> None:
        entry = await self._bucket.get(key)
        value = (entry.value or b"[]")[:-1] + b"," + DATA + b"]"
        await self._bucket.update(key, value, last=entry.revision)


async def measured(case: Ours | Bare, groups: int, batches: int, seed: int) -> Figures:
    """Add to groups chosen by chance: in batches, then one at a time."""
    chance = random.Random(seed)  # noqa: S311 - to repeat a run
    size = min(BATCH, groups)
    start = time.perf_counter()
    for _ in range(batches):
        await case.add(chance.sample(range(groups), size))
    rate = batches * size / (time.perf_counter() - start)
    times = []
    for _ in range(5 * batches):
        begin = time.perf_counter()
        await case.add([chance.randrange(groups)])
        times.append((time.perf_counter() - begin) * 1000)
    cuts = statistics.quantiles(times, n=100)
    return Figures(rate, cuts[49], cuts[98])


async def run(url: str, sizes: list[int], batches: int) -> dict[str, list[Figures]]:
    """Measure both at each number of open groups, in turn."""
    bus = await Bus.connect(url, SUBJECTS, name="bench")
    await provision(bus, BrokerSettings())
    client = await nats.connect(url)
    config = KeyValueConfig(bucket="bare", history=1)
    bucket = await client.jetstream(timeout=20).create_key_value(config)
    cases: dict[str, Ours | Bare] = {"ours": Ours(bus), "bare KV": Bare(bucket)}
    found: dict[str, list[Figures]] = {name: [] for name in cases}
    before = 0
    for size in sizes:
        for name, case in cases.items():
            await case.fill(before, size)
            figures = await measured(case, size, batches, seed=size)
            found[name].append(figures)
            print(
                f"{name:<8} {size:>8,} open  {figures.rate:>8,.0f}/s in batches of "
                f"{min(BATCH, size)}  one: p50 {figures.p50:.2f} ms, p99 {figures.p99:.2f} ms",
                flush=True,
            )
        before = size
    await client.close()
    await bus.close()
    return found


def report(sizes: list[int], found: dict[str, list[Figures]]) -> None:
    """Print the ratios."""
    ours, bare = found["ours"], found["bare KV"]
    print("\naggregator:")
    for at, size in enumerate(sizes):
        print(f"  {size:>8,} open groups: {ours[at].rate / bare[at].rate:.1f} times the bare loop")
    for name, growth in (
        ("median", ours[-1].p50 / ours[0].p50),
        ("99th percentile", ours[-1].p99 / ours[0].p99),
    ):
        verdict = "reached" if growth < 1.5 else "NOT reached"
        print(
            f"  {name} of adding one message at {sizes[-1]:,} against {sizes[0]:,} open groups: "
            f"{growth:.2f} (wanted below 1.5, {verdict})"
        )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=50)
    parser.add_argument("--open", type=int, nargs="+", default=[100, 10_000, 100_000])
    chosen = parser.parse_args()
    with broker(fsync=True) as url:
        found = uvloop.run(run(url, chosen.open, chosen.batches))
    report(chosen.open, found)


if __name__ == "__main__":
    main()
