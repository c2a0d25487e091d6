"""One hop through the router against plain baselines, in one run on one machine.

A hop takes an order from JetStream, and puts an invoice there: pull, decode, publish with PubAck,
ack. Ours also validates both contracts, evaluates a condition and a mapping, writes the decision
record, counts metrics and traces 1 % of the messages.

    python benchmarks/route_hop.py [--messages N] [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import nats
from broker import broker
from nats.js.api import ConsumerConfig
from prometheus_client import CollectorRegistry

from crossdock.contracts import Message, Subjects
from crossdock.contracts.reference import dataschema
from crossdock.mesh.bus import Bus
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from crossdock.mesh.telemetry import Metrics, configure_tracing, new_traceparent
from crossdock.router.loading import load_router
from crossdock.router.running import Router

ORDER = {
    "order": "A-10001",
    "customer": {"name": "Ada", "country": "DE"},
    "total": 129.5,
    "lines": [{"sku": f"sku-{n}", "qty": n, "price": 9.5} for n in range(1, 4)],
    "note": "x" * 300,
}
ORDER_SCHEMA = {
    "type": "object",
    "required": ["order", "customer", "total", "lines"],
    "properties": {
        "order": {"type": "string"},
        "customer": {"type": "object", "required": ["country"]},
        "total": {"type": "number", "minimum": 0},
        "lines": {"type": "array", "items": {"type": "object", "required": ["sku", "qty"]}},
    },
}
INVOICE_SCHEMA = {
    "type": "object",
    "required": ["order", "amount"],
    "properties": {"order": {"type": "string"}, "amount": {"type": "number"}},
}
ROUTE = """route: orders
accepts: sales.order.placed
send:
  - when: customer.country = "DE"
    to: billing
    as: billing.invoice.requested
    map: "{'order': order, 'amount': total, 'items': $count(lines)}"
"""
SUBJECTS = Subjects("b")
IN, OUT = SUBJECTS.incoming("sales.order.placed"), SUBJECTS.outgoing("billing")


def project(folder: Path) -> Path:
    """Write the project whose one route is measured."""
    for name, schema in (
        ("sales/order.placed", ORDER_SCHEMA),
        ("billing/invoice.requested", INVOICE_SCHEMA),
    ):
        path = folder / "contracts" / name / "1.0.0.schema.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(schema))
    (folder / "routes").mkdir()
    (folder / "routes" / "orders.yaml").write_text(ROUTE)
    (folder / "mesh.yaml").write_text("mesh: b\n")
    return folder


async def fill(url: str, count: int) -> None:
    """Make the streams and put the orders in."""
    bus = await Bus.connect(url, SUBJECTS, name="fill")
    await provision(bus, BrokerSettings())
    data = msgspec.json.encode(ORDER)
    messages = [
        (
            IN,
            Message(
                id=f"m{n}",
                source="/bench",
                type="sales.order.placed",
                dataschema=dataschema("sales.order.placed", "1.0.0"),
                data=data,
                extensions={"correlationid": f"m{n}", "traceparent": new_traceparent(0.01)},
            ),
        )
        for n in range(count)
    ]
    for start in range(0, count, 1000):
        await bus.publish_many(messages[start : start + 1000])
    await bus.close()


async def until_done(js: nats.js.JetStreamContext, durable: str) -> None:
    """Wait until the consumer has had everything acknowledged."""
    while True:
        try:
            info = await js.consumer_info("b-in", durable)
        except nats.js.errors.NotFoundError:
            await asyncio.sleep(0.02)
            continue
        if not info.num_pending and not info.num_ack_pending:
            return
        await asyncio.sleep(0.02)


async def ours(url: str, count: int) -> float:
    """The router as it ships, one process."""
    bus = await Bus.connect(url, SUBJECTS, name="ours")
    with tempfile.TemporaryDirectory() as name:
        loaded = load_router(project(Path(name)))
    metrics = Metrics(CollectorRegistry(), "b", "router")
    router = Router(bus, metrics, configure_tracing("router", "b", 0.01))
    start = time.perf_counter()
    await router.apply(loaded)
    await until_done(bus.jetstream, "route-orders")
    took = time.perf_counter() - start
    info = await bus.jetstream.stream_info("b-out")
    if info.state.messages != count:
        raise RuntimeError(f"{info.state.messages} of {count} arrived")
    await router.stop()
    await bus.close()
    return took


async def bare(url: str, count: int) -> float:
    """A plain nats-py loop: fetch 500, decode, publish each with its PubAck in a pipeline, ack."""
    nc = await nats.connect(url)
    js = nc.jetstream()
    sub = await js.pull_subscribe(IN, "bare", "b-in", config=ConsumerConfig(max_ack_pending=4000))
    done = 0
    start = time.perf_counter()
    while done < count:
        batch = await sub.fetch(500, timeout=5)
        published = []
        for each in batch:
            order = msgspec.json.decode(each.data)
            data = msgspec.json.encode({"order": order["order"], "amount": order["total"]})
            published.append(js.publish(OUT, data, stream="b-out"))
        await asyncio.gather(*published)
        for each in batch:
            await each.ack()
        done += len(batch)
    await until_done(js, "bare")
    took = time.perf_counter() - start
    await nc.close()
    return took


async def faststream(url: str, _count: int) -> float:
    """FastStream's subscriber with its defaults, publishing with PubAck."""
    from faststream.nats import JStream, NatsBroker, PullSub  # noqa: PLC0415 - only this baseline

    nats_broker = NatsBroker(url, logger=None)
    stream = JStream("b-in", subjects=["b.in.>"], declare=False)

    @nats_broker.subscriber(
        IN, durable="fs", stream=stream, pull_sub=PullSub(batch_size=500), deliver_policy="all"
    )
    async def handle(order: dict[str, object]) -> None:
        await nats_broker.publish(
            {"order": order["order"], "amount": order["total"]}, OUT, stream="b-out"
        )

    start = time.perf_counter()
    await nats_broker.start()
    await until_done(nats_broker._connection.jetstream(), "fs")  # noqa: SLF001 - to measure
    took = time.perf_counter() - start
    await nats_broker.stop()
    return took


CASES: dict[str, Callable[[str, int], Awaitable[float]]] = {
    "ours": ours,
    "bare": bare,
    "faststream": faststream,
}


def measure(case: str, *, fsync: bool, count: int) -> float:
    """Return messages a second of one case, in processes of its own."""
    with broker(fsync=fsync) as url:
        asyncio.run(fill(url, count))
        command = [sys.executable, __file__, "--case", case, "--url", url, "--messages", str(count)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return count / float(output.split()[-1])


def report(count: int, rounds: int) -> None:
    """Run all cases in turn, so that a noisy moment hits all, and print rates and ratios."""
    plan = [
        ("ours", True, count),
        ("bare", True, count),
        ("bare", False, count),
        ("faststream", True, max(1000, count // 8)),
    ]
    rates: dict[tuple[str, bool], list[float]] = {}
    for number in range(rounds):
        for case, fsync, messages in plan:
            rate = measure(case, fsync=fsync, count=messages)
            rates.setdefault((case, fsync), []).append(rate)
            print(f"round {number + 1} {case:<10} fsync={fsync!s:<5} {rate:>8,.0f}/s", flush=True)
    middle = {key: statistics.median(values) for key, values in rates.items()}
    mine = middle["ours", True]
    print(f"\nroute hop, medians of {rounds}: ours {mine:,.0f}/s")
    for key, wanted in ((("bare", True), 2.0), (("bare", False), 0.5), (("faststream", True), 4.0)):
        ratio = mine / middle[key]
        verdict = "reached" if ratio >= wanted else "NOT reached"
        name = f"{key[0]}{'' if key[1] else ' without fsync'}"
        print(
            f"  against {name:<20} {middle[key]:>8,.0f}/s  {ratio:.2f} (wanted {wanted}, {verdict})"
        )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.case:
        import uvloop  # noqa: PLC0415 - the services run on it; the baselines get it too

        print(uvloop.run(CASES[chosen.case](chosen.url, chosen.messages)))
    else:
        report(chosen.messages, chosen.rounds)


if __name__ == "__main__":
    main()
