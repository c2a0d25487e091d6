"""Working off what has come in: how long it takes, and what processors spend on it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import NamedTuple

import msgspec
from broker import Broker
from route_hop import IN, ORDER
from service import cpu_seconds

from crossdock.contracts import Message
from crossdock.contracts.reference import dataschema
from crossdock.mesh.bus import Bus
from crossdock.mesh.telemetry import new_traceparent


class Hop(NamedTuple):
    """Working off what has come in.

    Attributes:
        count: How many messages.
        seconds: How long it took.
        workers: Processor time of those who worked.
        broker: Processor time of the broker.
    """

    count: int
    seconds: float
    workers: float
    broker: float


async def hop(bus: Bus, server: Broker, pids: tuple[int, ...], numbers: range, durable: str) -> Hop:
    """Put messages in while processes are stopped, then let them work.

    Args:
        bus: To put them in with.
        server: The broker.
        pids: Processes that take them.
        numbers: Of the messages.
        durable: Consumer that they take them from.
    """
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    await put(bus, numbers)
    before = cpu_seconds(*pids), cpu_seconds(server.pid)
    begin = time.perf_counter()
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    while True:
        info = await bus.jetstream.consumer_info("b-in", durable)
        if not info.num_pending and not info.num_ack_pending:
            break
        await asyncio.sleep(0.02)
    took = time.perf_counter() - begin
    after = cpu_seconds(*pids), cpu_seconds(server.pid)
    return Hop(len(numbers), took, after[0] - before[0], after[1] - before[1])


async def put(bus: Bus, numbers: range) -> None:
    """Put the order of `route_hop.py` in, so often."""
    data = msgspec.json.encode(ORDER)
    for start in range(numbers.start, numbers.stop, 1000):
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
            for n in range(start, min(start + 1000, numbers.stop))
        ]
        await bus.publish_many(messages)
