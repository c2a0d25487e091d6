"""Message Expiration on a real broker: what is over is left out at routes and sinks, and told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from crossdock.contracts.expiry import write_time
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus
from crossdock.mesh.telemetry import Metrics, configure_tracing
from crossdock.workers.loading import load_workers
from crossdock.workers.running import Workers
from nats_server import NatsServer
from project_folder import write
from running_router import SUBJECTS, connected, entries, in_book, order, project, put, started, stop

PAST = "2020-01-01T00:00:00Z"


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


async def test_i9_a_route_filters_what_is_over(bus: Bus, tmp_path: Path) -> None:
    router = await started(bus, project(tmp_path, "- where: 'true'\n"))
    await put(bus, 1, {}, expirytime=PAST)
    await put(bus, 2, {}, expirytime=write_time(datetime.now(UTC) + timedelta(hours=1)))
    await put(bus, 3, {}, expirytime="tomorrow")
    await stop(router, bus)
    assert len(await in_book(bus)) == 1
    outcomes = {each.id: (each.outcome, each.detail) for each in await entries(bus)}
    assert outcomes["m1"] == ("filtered", "expired")
    assert outcomes["m2"][0] == "routed"
    assert outcomes["m3"][0] == "dead"


@pytest.mark.parametrize("expired", ["drop", "dead"])
async def test_i9_a_sink_leaves_out_what_is_over(bus: Bus, tmp_path: Path, expired: str) -> None:
    (tmp_path / "out").mkdir()
    settings = "{path: out/book.jsonl, format: jsonl}"
    worker = f"worker: book\nadapter: file-out\nsettings: {settings}\nexpired: {expired}\n"
    folder = project(tmp_path, "- map: '{\"n\": n}'\n")
    write(folder, "workers/book.yaml", worker)
    for number, more in enumerate(({"expirytime": PAST}, {}), 1):
        await bus.publish(SUBJECTS.outgoing("book"), order(number, {"n": number}, more))
    registry = CollectorRegistry()
    workers = Workers(bus, folder, Metrics(registry, "t", "worker"), configure_tracing("w", "t", 0))
    await workers.apply(load_workers(folder))
    labels = {"mesh": "t", "service": "worker", "component": "book"}
    name = f"crossdock_destination_{'dead' if expired == 'dead' else 'expired'}_messages_total"
    async with asyncio.timeout(20):
        while registry.get_sample_value(name, labels) != 1 or len(await entries(bus)) < 2:
            await asyncio.sleep(0.05)
    await workers.stop()
    lines = (folder / "out" / "book.jsonl").read_text().splitlines()
    assert [json.loads(each) for each in lines] == [{"n": 2}]
    told = {each.outcome: each.detail for each in await entries(bus)}
    buried = [each async for each in dead_letters.listing(bus)]
    if expired == "drop":
        assert (told["filtered"], buried) == ("expired", [])
    else:
        assert [each.cause.reason for each in buried] == ["expired"]
