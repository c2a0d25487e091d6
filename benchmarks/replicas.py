"""Two replicas of a router against one, on one broker, and what limits them.

Each case has a broker of its own and one or two processes that work off what has come in: the
router service with the light route of `route_hop.py` and with a heavy one, and the bare loop. A
broker without fsync is the control for the disk. Where all processors of the machine are taken,
the broker's share of them is the limit: `bound` is what two replicas can reach at most, from the
processor time that one message costs router and broker when there is one replica.

    python benchmarks/replicas.py [--messages N] [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import nats
import uvloop
from broker import Broker, running_broker
from nats.js.api import ConsumerConfig
from route_hop import IN, OUT, ROUTE, SUBJECTS, project
from service import router
from working_off import Hop, hop

from crossdock.mesh.bus import Bus
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision

WANTED: Final = 1.6
HOPS: Final = 2
HEAVY: Final = ROUTE.replace(
    "'items': $count(lines)",
    "'lines': $map([1..60], function($n) {{'n': $n, 'price': $sum(lines.(qty * price)) * $n}})",
)


class Case(NamedTuple):
    """What is compared with one and with two processes.

    Attributes:
        name: For people.
        route: The route; empty for the bare loop.
        fsync: Whether the broker writes to the disk at once.
        share: Of the number of messages.
    """

    name: str
    route: str
    fsync: bool = True
    share: float = 1.0


CASES: Final = (
    Case("route hop", ROUTE),
    Case("route hop, broker without fsync", ROUTE, fsync=False),
    Case("heavy route", HEAVY, share=0.2),
    Case("bare loop", "", share=0.5),
)


def measure(case: Case, replicas: int, count: int) -> list[Hop]:
    """Measure one case with so many processes."""
    with tempfile.TemporaryDirectory(prefix="crossdock-bench-") as name:
        folder = project(Path(name))
        with running_broker(fsync=case.fsync) as server, contextlib.ExitStack() as stack:
            uvloop.run(_provision(server))
            if case.route:
                (folder / "routes" / "orders.yaml").write_text(case.route)
                pids = [
                    stack.enter_context(router(folder, server.url)).pid for _ in range(replicas)
                ]
            else:
                pids = [stack.enter_context(_bare(server)) for _ in range(replicas)]
            durable = "route-orders" if case.route else "bare"
            return uvloop.run(_hops(server, tuple(pids), count, durable))


async def _provision(server: Broker) -> None:
    bus = await Bus.connect(server.url, SUBJECTS, name="bench")
    await provision(bus, BrokerSettings())
    await bus.close()


async def _hops(server: Broker, pids: tuple[int, ...], count: int, durable: str) -> list[Hop]:
    bus = await Bus.connect(server.url, SUBJECTS, name="bench")
    await hop(bus, server, pids, range(1000), durable)
    found = []
    for number in range(HOPS):
        first = 1000 + number * count
        found.append(await hop(bus, server, pids, range(first, first + count), durable))
    await bus.close()
    return found


@contextlib.contextmanager
def _bare(server: Broker) -> Iterator[int]:
    command = [sys.executable, __file__, "--url", server.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.kill()


async def bare(url: str) -> None:
    """A plain nats-py loop without end; see `route_hop.py`."""
    nc = await nats.connect(url)
    js = nc.jetstream()
    sub = await js.pull_subscribe(IN, "bare", "b-in", config=ConsumerConfig(max_ack_pending=4000))
    print("ready", flush=True)
    while True:
        with contextlib.suppress(nats.errors.TimeoutError):
            batch = await sub.fetch(500, timeout=1)
            published = []
            for each in batch:
                order = msgspec.json.decode(each.data)
                data = msgspec.json.encode({"order": order["order"], "amount": order["total"]})
                published.append(js.publish(OUT, data, stream="b-out"))
            await asyncio.gather(*published)
            for each in batch:
                await each.ack()


class Summary(NamedTuple):
    """Medians of one case with so many processes.

    Attributes:
        rate: Messages a second.
        worker: Microseconds of processor time for a message, of all that work.
        broker: The same of the broker.
    """

    rate: float
    worker: float
    broker: float

    @classmethod
    def of(cls, hops: list[Hop]) -> Summary:
        """Take the medians."""
        return cls(
            statistics.median(each.count / each.seconds for each in hops),
            statistics.median(each.workers / each.count * 1e6 for each in hops),
            statistics.median(each.broker / each.count * 1e6 for each in hops),
        )


def report(case: Case, one: Summary, two: Summary) -> None:
    """Print what two are to one, and which part of the machine each takes."""
    processors = len(os.sched_getaffinity(0))
    bound = min(2.0, processors * one.worker / (one.worker + one.broker))
    ratio = two.rate / one.rate
    print(f"\n{case.name}: {one.rate:,.0f}/s, two replicas {two.rate:,.0f}/s, ratio {ratio:.2f}")
    for name, each in (("one", one), ("two", two)):
        workers, broker = (each.rate * cost / 1e6 for cost in (each.worker, each.broker))
        print(
            f"  {name}: a message costs workers {each.worker:.0f} µs, broker {each.broker:.0f} µs; "
            f"of {processors} processors workers take {workers:.2f}, the broker {broker:.2f}"
        )
    print(f"  bound by {processors} processors, broker included: {bound:.2f}")
    if not case.route:
        return
    if ratio >= WANTED:
        print(f"  wanted {WANTED}: reached")
    elif bound < WANTED:
        print(f"  wanted {WANTED}: the broker's share of the processors is the limit")
    else:
        print(f"  wanted {WANTED}: NOT reached")


def main() -> None:
    """Measure every case in turn, with one and with two."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.url:
        uvloop.run(bare(chosen.url))
    found: dict[tuple[Case, int], list[Hop]] = {}
    for _ in range(chosen.rounds):
        for case in CASES:
            for replicas in (1, 2):
                hops = measure(case, replicas, int(chosen.messages * case.share))
                found.setdefault((case, replicas), []).extend(hops)
    for case in CASES:
        report(case, Summary.of(found[case, 1]), Summary.of(found[case, 2]))


if __name__ == "__main__":
    main()
