"""What other routes cost the one that takes the message: 1, 100 and 1,000 of them.

Each number has a broker and a router service of its own, in turn, and for each is measured: when it
is ready, its memory, what it and the broker take while nothing comes, and the rate of one hop,
while the router works off what has come in. The messages are put in while the router is stopped
for a moment, so that nobody else uses the processors meanwhile.

    python benchmarks/many_routes.py [--routes N ...] [--messages N] [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import uvloop
from broker import Broker, running_broker
from route_hop import SUBJECTS, project
from service import cpu_seconds, resident_mebibytes, router
from working_off import Hop, hop

from crossdock.contracts import Message
from crossdock.contracts.reference import dataschema
from crossdock.mesh.bus import Bus

IDLE_SECONDS: Final = 4.0
HOPS: Final = 3
DURABLE: Final = "route-orders"
WANTED: Final = 0.1
OTHER: Final = """route: {name}
accepts: {contract}
where: total > 0
send:
  - {{when: 'country = "DE"', to: billing}}
  - {{else: true, to: world}}
"""
OTHER_SCHEMA: Final = {
    "type": "object",
    "required": ["total", "country"],
    "properties": {"total": {"type": "number"}, "country": {"type": "string"}},
}


WORKER: Final = (
    "worker: {name}\nadapter: file-out\nsettings: {{path: {name}.jsonl, format: jsonl}}\n"
)


class Measured(NamedTuple):
    """One number of routes, once.

    Attributes:
        rates: Messages a second, each time.
        router_cpu: Microseconds of processor time for a message.
        broker_cpu: The same of the broker.
        ready: Seconds from the start of the process.
        change: Seconds from saving another route to its effect.
        memory: Mebibytes of router and broker.
        idle: Share of a processor that router and broker take while nothing comes.
    """

    rates: tuple[float, ...]
    router_cpu: float
    broker_cpu: float
    ready: float
    change: float
    memory: tuple[float, float]
    idle: tuple[float, float]


FIGURES: Final[dict[str, tuple[Callable[[Measured], float], str]]] = {
    "router, processor for a message": (lambda each: each.router_cpu, "µs"),
    "broker, processor for a message": (lambda each: each.broker_cpu, "µs"),
    "router, share while idle": (lambda each: each.idle[0] * 100, "%"),
    "broker, share while idle": (lambda each: each.idle[1] * 100, "%"),
    "router, memory": (lambda each: each.memory[0], "MiB"),
    "broker, memory": (lambda each: each.memory[1], "MiB"),
    "first start to ready": (lambda each: each.ready, "s"),
    "a saved change of one to its effect": (lambda each: each.change, "s"),
}


def write_project(folder: Path, routes: int) -> Path:
    """Write the project of `route_hop.py`, and other routes that accept contracts of their own."""
    project(folder)
    for number in range(1, routes):
        name = f"other-{number}"
        path = folder / "contracts" / "other" / f"thing.n{number}" / "1.0.0.schema.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(OTHER_SCHEMA))
        text = OTHER.format(name=name, contract=f"other.thing.n{number}")
        (folder / "routes" / f"{name}.yaml").write_text(text)
    (folder / "workers").mkdir()
    for name in ("billing", "world", "moved"):
        text = WORKER.format(name=name)
        (folder / "workers" / f"{name}.yaml").write_text(text)
    return folder


async def hops(server: Broker, pid: int, count: int) -> list[Hop]:
    """Measure several times."""
    bus = await Bus.connect(server.url, SUBJECTS, name="bench")
    await hop(bus, server, (pid,), range(1000), DURABLE)  # the first are slower: caches
    found = []
    for number in range(HOPS):
        first = 1000 + number * count
        found.append(await hop(bus, server, (pid,), range(first, first + count), DURABLE))
    await bus.close()
    return found


async def change(server: Broker, folder: Path) -> float:
    """Save another destination in one of the other routes; return the seconds to its effect."""
    bus = await Bus.connect(server.url, SUBJECTS, name="bench")
    name, contract = "other-1", "other.thing.n1"
    text = OTHER.format(name=name, contract=contract).replace("to: billing", "to: moved")
    (folder / "routes" / f"{name}.yaml").write_text(text)
    begin = time.perf_counter()
    number = 0
    while await bus.read_newest("out", SUBJECTS.outgoing("moved")) is None:
        number += 1
        message = Message(
            id=f"c{number}",
            source="/bench",
            type=contract,
            dataschema=dataschema(contract, "1.0.0"),
            data=b'{"total": 1, "country": "DE"}',
        )
        await bus.publish(SUBJECTS.incoming(contract), message)
        await asyncio.sleep(0.05)
    took = time.perf_counter() - begin
    await bus.close()
    return took


def idle(*pids: int) -> list[float]:
    """Return which share of a processor each process takes while nothing comes."""
    before = [cpu_seconds(pid) for pid in pids]
    time.sleep(IDLE_SECONDS)
    return [(cpu_seconds(pid) - a) / IDLE_SECONDS for pid, a in zip(pids, before, strict=True)]


def measure(routes: int, count: int) -> Measured:
    """Measure one number of routes on a broker and with a router of its own."""
    with tempfile.TemporaryDirectory(prefix="crossdock-bench-") as name:
        folder = write_project(Path(name), routes)
        with running_broker(fsync=True) as server, router(folder, server.url) as service:
            time.sleep(1)
            shares = idle(service.pid, server.pid)
            saved = uvloop.run(change(server, folder)) if routes > 1 else math.nan
            found = uvloop.run(hops(server, service.pid, count))
            return Measured(
                rates=tuple(count / each.seconds for each in found),
                router_cpu=statistics.median(each.workers / count * 1e6 for each in found),
                broker_cpu=statistics.median(each.broker / count * 1e6 for each in found),
                change=saved,
                ready=service.ready_after,
                memory=(resident_mebibytes(service.pid), resident_mebibytes(server.pid)),
                idle=(shares[0], shares[1]),
            )


def main() -> None:
    """Measure each number in turn, as often as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--routes", type=int, nargs="+", default=[1, 100, 1000])
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=2)
    chosen = parser.parse_args()
    found: dict[int, list[Measured]] = {routes: [] for routes in chosen.routes}
    for number in range(chosen.rounds):
        for routes in chosen.routes:
            each = measure(routes, chosen.messages)
            found[routes].append(each)
            rate = statistics.median(each.rates)
            print(f"round {number + 1} {routes:>5} routes {rate:>8,.0f}/s", flush=True)
    report(found)


def report(found: dict[int, list[Measured]]) -> None:
    """Print medians of each number of routes, and what the hop rate falls by."""
    first = min(found)
    alone = middle(found[first], lambda each: statistics.median(each.rates))
    print("\none hop, of so many routes one takes the message; medians")
    for routes, all_of_it in found.items():
        rate = middle(all_of_it, lambda each: statistics.median(each.rates))
        fall = 1 - rate / alone
        verdict = f", falls by {fall:.0%} (wanted under 10 %, {_verdict(reached=fall < WANTED)})"
        print(f"{routes:>5} deployed: {rate:,.0f}/s{'' if routes == first else verdict}")
        for name, (show, unit) in FIGURES.items():
            value = middle(all_of_it, show)
            if not math.isnan(value):  # of one route there is no other to change
                print(f"      {name:<36} {value:>7,.2f} {unit}")


def middle(found: list[Measured], show: Callable[[Measured], float]) -> float:
    """Return the median of one figure."""
    return statistics.median(show(each) for each in found)


def _verdict(*, reached: bool) -> str:
    return "reached" if reached else "NOT reached"


if __name__ == "__main__":
    main()
