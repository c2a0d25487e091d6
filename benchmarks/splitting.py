"""Splitting messages of 1,000 parts, and joining them again, against a bare loop.

Ours is the router with a route of one step: each line of an order is mapped to a contract and sent,
or all are joined again to one message. The bare loop pulls the same messages, makes the same parts,
and publishes each with its PubAck, 1,000 at once, or one message for the join.

    python benchmarks/splitting.py [--messages N] [--parts N]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path

import msgspec
import nats
import uvloop
from broker import broker
from prometheus_client import CollectorRegistry

from crossdock.contracts import Message, Subjects
from crossdock.contracts.reference import dataschema
from crossdock.mesh.bus import Bus
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from crossdock.mesh.telemetry import Metrics, configure_tracing
from crossdock.router.loading import load_router
from crossdock.router.running import Router

SUBJECTS = Subjects("b")
IN, OUT = SUBJECTS.incoming("sales.order.placed"), SUBJECTS.outgoing("book")
HEAD = "accepts: sales.order.placed\nsend: [{to: book}]\nsteps:\n"
SPLIT = """  - split: lines
    steps: [{map: "{'sku': sku, 'amount': qty * price}"}]
"""
JOIN = "    join: {into: made}\n  - map: \"{'lines': [$made]}\"\n"


def project(folder: Path, *, join: bool) -> Path:
    """Write the project whose one route is measured."""
    schema = folder / "contracts" / "sales" / "order.placed" / "1.0.0.schema.json"
    schema.parent.mkdir(parents=True)
    schema.write_text(json.dumps({"type": "object"}))
    (folder / "routes").mkdir()
    text = HEAD + SPLIT + (JOIN if join else "")
    (folder / "routes" / "orders.yaml").write_text(f"route: orders\n{text}")
    (folder / "mesh.yaml").write_text("mesh: b\n")
    return folder


async def fill(bus: Bus, count: int, parts: int) -> None:
    """Put the orders in."""
    lines = [{"sku": f"sku-{n}", "qty": n % 9 + 1, "price": 9.5} for n in range(parts)]
    data = msgspec.json.encode({"order": "A-1", "lines": lines})
    for number in range(count):
        message = Message(
            id=f"m{number}",
            source="/bench",
            type="sales.order.placed",
            dataschema=dataschema("sales.order.placed", "1.0.0"),
            data=data,
        )
        await bus.publish(IN, message)


async def ours(url: str, count: int, parts: int, *, join: bool) -> float:
    """Return seconds that the router takes."""
    bus = await Bus.connect(url, SUBJECTS, name="bench")
    await provision(bus, BrokerSettings())
    await fill(bus, count, parts)
    with tempfile.TemporaryDirectory() as name:
        loaded = load_router(project(Path(name), join=join))
        router = Router(
            bus, Metrics(CollectorRegistry(), "b", "router"), configure_tracing("r", "b", 0)
        )
        start = time.perf_counter()
        await router.apply(loaded)
        await until_there(bus, count if join else count * parts)
        took = time.perf_counter() - start
        await router.stop()
    await bus.close()
    return took


async def until_there(bus: Bus, count: int) -> None:
    """Wait until so many messages have been sent."""
    while True:
        if (await bus.jetstream.stream_info("b-out")).state.messages >= count:
            return
        await asyncio.sleep(0.05)


async def bare(url: str, count: int, parts: int, *, join: bool) -> float:
    """Return seconds that a plain nats-py loop takes."""
    bus = await Bus.connect(url, SUBJECTS, name="fill")
    await provision(bus, BrokerSettings())
    await fill(bus, count, parts)
    nc = await nats.connect(url)
    js = nc.jetstream()
    sub = await js.pull_subscribe(IN, "bare", "b-in")
    start = time.perf_counter()
    for _ in range(count):
        (each,) = await sub.fetch(1, timeout=5)
        made = [
            {"sku": line["sku"], "amount": line["qty"] * line["price"]}
            for line in msgspec.json.decode(each.data)["lines"]
        ]
        sent = [msgspec.json.encode({"lines": made})] if join else map(msgspec.json.encode, made)
        await asyncio.gather(*(js.publish(OUT, data, stream="b-out") for data in sent))
        await each.ack()
    took = time.perf_counter() - start
    await nc.close()
    await bus.close()
    return took


def main() -> None:
    """Measure each in turn, each on a broker of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=50)
    parser.add_argument("--parts", type=int, default=1000)
    chosen = parser.parse_args()
    count, parts = chosen.messages, chosen.parts
    for name, join in (("split", False), ("split and join", True)):
        rates = []
        for case in (ours, bare):
            with broker(fsync=True) as url:
                rates.append(count * parts / uvloop.run(case(url, count, parts, join=join)))
        print(
            f"{name}: {rates[0]:,.0f} parts/s, bare {rates[1]:,.0f} parts/s, "
            f"ratio {rates[0] / rates[1]:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
