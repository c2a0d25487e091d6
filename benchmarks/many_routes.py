"""What other routes cost the one that takes the message: 1, 100 and 1,000 of them.

Each number has a broker and a router service of its own. All of them are up at once, and the hops
of each are measured in turn: from one minute to the next this machine differs by more than what is
looked for. For each is measured when it is ready, its memory, what it and the broker take while
nothing comes, and the rate of one hop, while the router works off what has come in. The messages
are put in while the router is stopped for a moment, so that it does not work meanwhile. All is
deployed anew several times.

    python benchmarks/many_routes.py [--routes N ...] [--messages N] [--rounds N] [--deployments N]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import uvloop
from broker import Broker, running_broker
from route_hop import SUBJECTS, project
from service import Service, cpu_seconds, resident_mebibytes, router
from working_off import Hop, hop

from crossdock.contracts import Message
from crossdock.contracts.reference import dataschema
from crossdock.mesh.bus import Bus

SETTLED: Final = 12.0
IDLE_SECONDS: Final = 60.0  # heartbeats and looks are up to 40 s apart
WARM: Final = 2000
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
    """One number of routes.

    Attributes:
        hops: One for each round.
        ready: Seconds from the start of the process.
        change: Seconds from saving another route to its effect.
        memory: Mebibytes of router and broker.
        idle: Share of a processor that router and broker take while nothing comes.
    """

    hops: list[Hop]
    ready: float
    change: float
    memory: tuple[float, float]
    idle: tuple[float, float]

    @property
    def rate(self) -> float:
        """Messages a second."""
        return statistics.median(each.count / each.seconds for each in self.hops)

    @property
    def router_cpu(self) -> float:
        """Microseconds of processor time for a message."""
        return statistics.median(each.workers / each.count * 1e6 for each in self.hops)

    @property
    def broker_cpu(self) -> float:
        """The same of the broker."""
        return statistics.median(each.broker / each.count * 1e6 for each in self.hops)


class Deployed(NamedTuple):
    """A number of routes that is up.

    Attributes:
        folder: Its project.
        server: Its broker.
        service: Its router.
        change: Seconds from saving another route to its effect.
    """

    folder: Path
    server: Broker
    service: Service
    change: float


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


async def hops(deployed: list[Deployed], rounds: int, count: int) -> list[list[Hop]]:
    """Measure each in turn, so that what the machine does meanwhile meets all of them."""
    buses = [await Bus.connect(each.server.url, SUBJECTS, name="bench") for each in deployed]
    found: list[list[Hop]] = [[] for _ in deployed]
    first = 0
    for number in range(rounds + 1):
        turn = list(zip(deployed, buses, found, strict=True))
        for each, bus, so_far in turn[number % len(turn) :] + turn[: number % len(turn)]:
            numbers = range(first, first + (count if number else WARM))
            measured = await hop(bus, each.server, (each.service.pid,), numbers, DURABLE)
            if number:  # the first are slower: caches
                so_far.append(measured)
            first = numbers.stop
        if number:
            print(f"round {number} " + _rates(found), flush=True)
    for bus in buses:
        await bus.close()
    return found


def _rates(found: list[list[Hop]]) -> str:
    return " ".join(f"{each[-1].count / each[-1].seconds:>8,.0f}/s" for each in found)


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


def idle(deployed: list[Deployed], seconds: float) -> list[tuple[float, float]]:
    """Return which share of a processor routers and brokers take while nothing comes."""
    time.sleep(SETTLED)  # the first requests and looks are no idle ones
    before = [_cpu(each) for each in deployed]
    begin = time.monotonic()
    time.sleep(seconds)  # the time that is measured
    took = time.monotonic() - begin
    return [
        ((now[0] - then[0]) / took, (now[1] - then[1]) / took)
        for then, now in zip(before, map(_cpu, deployed), strict=True)
    ]


def _cpu(each: Deployed) -> tuple[float, float]:
    return cpu_seconds(each.service.pid), cpu_seconds(each.server.pid)


@contextlib.contextmanager
def deployed_with(routes: int) -> Iterator[Deployed]:
    """Deploy so many routes, with a broker and a router of their own."""
    with tempfile.TemporaryDirectory(prefix="crossdock-bench-") as name:
        folder = write_project(Path(name), routes)
        with running_broker(fsync=True) as server, router(folder, server.url) as service:
            saved = uvloop.run(change(server, folder)) if routes > 1 else math.nan
            yield Deployed(folder, server, service, saved)


def measure_often(numbers: list[int], rounds: int, count: int, often: int) -> dict[int, Measured]:
    """Deploy and measure so often: one process is faster than another of the same, by up to 7 %."""
    found = measure(numbers, rounds, count, IDLE_SECONDS)
    for _ in range(often - 1):
        again = measure(numbers, rounds, count, 0)
        found = {
            routes: each._replace(hops=each.hops + again[routes].hops)
            for routes, each in found.items()
        }
    return found


def measure(
    numbers: list[int], rounds: int, count: int, idle_seconds: float
) -> dict[int, Measured]:
    """Deploy all of them, and measure one beside the other."""
    with contextlib.ExitStack() as stack:
        deployed = [stack.enter_context(deployed_with(routes)) for routes in numbers]
        shares = idle(deployed, idle_seconds)
        found = uvloop.run(hops(deployed, rounds, count))
        return {
            routes: Measured(
                hops=each_hops,
                ready=each.service.ready_after,
                change=each.change,
                memory=(resident_mebibytes(each.service.pid), resident_mebibytes(each.server.pid)),
                idle=share,
            )
            for routes, each, each_hops, share in zip(numbers, deployed, found, shares, strict=True)
        }


def main() -> None:
    """Measure as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--routes", type=int, nargs="+", default=[1, 100, 1000])
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--deployments", type=int, default=4)
    chosen = parser.parse_args()
    report(measure_often(chosen.routes, chosen.rounds, chosen.messages, chosen.deployments))


def report(found: dict[int, Measured]) -> None:
    """Print each number of routes, and what the hop rate falls by: the median over the rounds."""
    first = min(found)
    print("\none hop, of so many routes one takes the message; medians")
    for routes, each in found.items():
        pairs = zip(found[first].hops, each.hops, strict=True)
        fall = 1 - statistics.median(alone.seconds / among.seconds for alone, among in pairs)
        verdict = f", falls by {fall:.0%} (wanted under 10 %, {_verdict(reached=fall < WANTED)})"
        print(f"{routes:>5} deployed: {each.rate:,.0f}/s{'' if routes == first else verdict}")
        for name, (show, unit) in FIGURES.items():
            if not math.isnan(value := show(each)):  # of one route there is no other to change
                print(f"      {name:<36} {value:>7,.2f} {unit}")


def _verdict(*, reached: bool) -> str:
    return "reached" if reached else "NOT reached"


if __name__ == "__main__":
    main()
