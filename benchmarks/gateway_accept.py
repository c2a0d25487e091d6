"""Accepting a message by HTTP against a bare ASGI application, in one run on one machine.

Both run on uvicorn with uvloop and httptools, one process each, on the same kind of broker, with 64
connections. The bare one decodes the body, publishes it and waits for its ack. Ours also checks the
API key and the contract, makes the canonical message, counts metrics and traces 1 %.

    python benchmarks/gateway_accept.py [--requests N] [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import secrets
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import nats
import uvicorn
import uvloop
from broker import broker
from http_load import Load, load
from prometheus_client import CollectorRegistry
from route_hop import ORDER, ORDER_SCHEMA

from crossdock.contracts import Subjects
from crossdock.contracts.contract import Contract
from crossdock.contracts.registry import Registry
from crossdock.gateway.app import Gateway
from crossdock.gateway.clients import Client, Clients, digest_of
from crossdock.gateway.doors import Doors
from crossdock.gateway.running import serve
from crossdock.mesh.bus import Bus
from crossdock.mesh.ops import Health
from crossdock.mesh.project.settings import BrokerSettings, GatewaySettings
from crossdock.mesh.streams import provision
from crossdock.mesh.telemetry import BusMetrics, GatewayMetrics, Metrics, configure_tracing

CONNECTIONS = 64
SUBJECTS = Subjects("b")
CONTRACT = "sales.order.placed"


async def ours(url: str, key: str) -> None:
    """Serve the gateway as it ships; print its address."""
    bus = await Bus.connect(url, SUBJECTS, name="gateway")
    await provision(bus, BrokerSettings())
    metrics = Metrics(CollectorRegistry(), "b", "gateway")
    bus.show(BusMetrics.of(metrics))
    registry = Registry([Contract(CONTRACT, "1.0.0", ORDER_SCHEMA)])
    clients = Clients([Client(name="bench", key_sha256=digest_of(key), allow=("sales.*.*",))])
    settings = GatewaySettings(listen="127.0.0.1:0")
    gateway = Gateway(
        bus,
        Doors(registry, clients, SUBJECTS),
        settings,
        health=Health(registry=metrics.registry, age=lambda: 0.0),
        metrics=GatewayMetrics.of(metrics),
        tracing=configure_tracing("gateway", "b", 0.01),
    )

    def started(address: str) -> None:
        gc.collect()
        gc.freeze()  # as the service does it
        print(address, flush=True)

    await serve(gateway, settings, asyncio.Event(), started)


async def bare(url: str, _key: str) -> None:
    """Serve a plain application that publishes and waits for the ack; print its address."""
    setup = await Bus.connect(url, SUBJECTS, name="setup")
    await provision(setup, BrokerSettings())
    await setup.close()
    nc = await nats.connect(url)
    js = nc.jetstream()
    subject = SUBJECTS.incoming(CONTRACT)

    async def app(_scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        body, more = b"", True
        while more:
            part = await receive()
            body += part["body"]
            more = part["more_body"]
        msgspec.json.decode(body)
        ack = await js.publish(subject, body, stream="b-in")
        answer = msgspec.json.encode({"seq": ack.seq})
        headers = [(b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    config = uvicorn.Config(app, port=0, access_log=False, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}", flush=True)
    await task


CASES = {"ours": ours, "bare": bare}


@contextmanager
def server(case: str, url: str, key: str) -> Iterator[str]:
    """Run one case in a process of its own and yield its address."""
    command = [sys.executable, __file__, "--case", case, "--url", url, "--key", key]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - for the type checker
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def measure(case: str, requests: int) -> Load:
    """Return what one case takes, after a warm-up."""
    key = f"cdk_{secrets.token_urlsafe(16)}"
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    body = json.dumps(ORDER).encode()
    with broker(fsync=True) as url, server(case, url, key) as address:
        target = f"{address}/v1/messages/{CONTRACT}"
        uvloop.run(load(target, headers, body, CONNECTIONS, 10))
        return uvloop.run(load(target, headers, body, CONNECTIONS, requests // CONNECTIONS))


def report(requests: int, rounds: int) -> None:
    """Run both in turn and print rates, latencies and ratios."""
    found: dict[str, list[Load]] = {"ours": [], "bare": []}
    for number in range(rounds):
        for case, results in found.items():
            result = measure(case, requests)
            results.append(result)
            print(
                f"round {number + 1} {case:<5} {result.rate:>7,.0f}/s "
                f"p50 {result.p50 * 1000:.1f} ms  p99 {result.p99 * 1000:.1f} ms",
                flush=True,
            )
    rate = {case: statistics.median(each.rate for each in found[case]) for case in found}
    p99 = {case: statistics.median(each.p99 for each in found[case]) for case in found}
    faster, slower = rate["ours"] / rate["bare"], p99["ours"] / p99["bare"]
    print(f"\ngateway accept, {CONNECTIONS} connections, medians of {rounds}")
    print(f"  rate {faster:.2f} of bare (wanted 1.3, {_verdict(reached=faster >= 1.3)})")
    print(f"  p99  {slower:.2f} of bare (wanted 1.5 at most, {_verdict(reached=slower <= 1.5)})")


def _verdict(*, reached: bool) -> str:
    return "reached" if reached else "NOT reached"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--key", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.case:
        uvloop.run(CASES[chosen.case](chosen.url, chosen.key))
    else:
        report(chosen.requests, chosen.rounds)


if __name__ == "__main__":
    main()
