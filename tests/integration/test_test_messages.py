"""Test Message: it goes the way of real ones, ends before systems, and takes nothing from them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from crossdock.contracts import Message
from crossdock.contracts.marking import is_test
from crossdock.mesh.bus import Bus
from crossdock.mesh.telemetry import Metrics, configure_tracing
from crossdock.workers.loading import load_workers
from crossdock.workers.running import Workers
from nats_server import NatsServer
from project_folder import write
from running_gateway import BEARER, HR_KEY, ORDER, Running, running
from running_gateway import connected as gateway_bus
from running_router import (
    SUBJECTS,
    connected,
    entries_of,
    in_book,
    order,
    project,
    put,
    running_router,
    settled,
)

TEST = {"testmessage": "true"}


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


@pytest.fixture
async def door(nats_server: NatsServer) -> AsyncIterator[Running]:
    async with gateway_bus(nats_server.url) as bus, running(bus) as door:
        yield door


async def sent(bus: Bus) -> list[tuple[Any, bool]]:
    messages = [Message.from_headers(each.headers, each.data) for each in await in_book(bus)]
    return [(msgspec.json.decode(each.data), is_test(each)) for each in messages]


@pytest.mark.parametrize(("setting", "delivered"), [("record", [2]), ("deliver", [1, 2])])
async def test_a_sink_delivers_no_test_message_unless_its_worker_says_so(
    bus: Bus, tmp_path: Path, setting: str, delivered: list[int]
) -> None:
    (tmp_path / "out").mkdir()
    head = "worker: book\nadapter: file-out\nsettings: {path: out/book.jsonl, format: jsonl}\n"
    folder = project(tmp_path, "- where: 'true'\n")
    tail = f"map: \"{{'n': n + 0}}\"\ntest_messages: {setting}\n"
    write(folder, "workers/book.yaml", head + tail)
    for number, marks in ((1, TEST), (2, {}), (3, TEST)):
        data = {"n": "no number" if number == 3 else number}
        await bus.publish(SUBJECTS.outgoing("book"), order(number, data, marks))
    registry = CollectorRegistry()
    workers = Workers(bus, folder, Metrics(registry, "t", "worker"), configure_tracing("w", "t", 0))
    await workers.apply(load_workers(folder))
    found = await entries_of(bus, "book", 3)
    labels = {"mesh": "t", "service": "worker", "component": "book"}
    name = "crossdock_destination_tested_messages_total"
    wanted = 1.0 if setting == "record" else 0.0
    async with asyncio.timeout(20):  # it is counted just after it is recorded
        while registry.get_sample_value(name, labels) != wanted:
            await asyncio.sleep(0.02)
    await workers.stop()
    lines = (tmp_path / "out" / "book.jsonl").read_text().splitlines()
    assert [json.loads(each)["n"] for each in lines] == delivered
    first = "tested" if setting == "record" else "delivered"
    outcomes = {each.id: each.outcome for each in found}
    assert outcomes == {"m1": first, "m2": "delivered", "m3": "dead"}  # it could not be delivered


async def test_what_a_route_makes_of_a_test_message_is_one(bus: Bus, tmp_path: Path) -> None:
    async with running_router(bus, project(tmp_path, "- split: lines\n")):
        await put(bus, 1, {"lines": [{"n": 1}, {"n": 2}]}, **TEST)
        await put(bus, 2, {"lines": [{"n": 3}]})
        await settled(bus)
    assert await sent(bus) == [({"n": 1}, True), ({"n": 2}, True), ({"n": 3}, False)]


async def test_a_test_message_takes_no_key_from_the_real_ones(bus: Bus, tmp_path: Path) -> None:
    async with running_router(bus, project(tmp_path, "- once: {key: k}\n")):
        await put(bus, 1, {"k": "same", "n": 1}, **TEST)
        await put(bus, 2, {"k": "same", "n": 2})
        await put(bus, 3, {"k": "same", "n": 3})
        await settled(bus)
    assert await sent(bus) == [
        ({"k": "same", "n": 1}, True),
        ({"k": "same", "n": 2}, False),
    ]


async def test_test_messages_and_real_ones_are_in_no_group_together(
    bus: Bus, tmp_path: Path
) -> None:
    folder = project(tmp_path, "- where: 'true'\n")
    route = folder / "routes" / "r.yaml"
    aggregate = "aggregate: {by: k, complete: {size: 2}, map: \"{'n': [parts.n]}\", "
    route.write_text(f"{route.read_text()}{aggregate}as: sales.order.placed}}\n")
    async with running_router(bus, folder):
        for number, marks in enumerate((TEST, {}, {}, TEST), 1):
            await put(bus, number, {"k": "same", "n": number}, **marks)
        await entries_of(bus, "r", 6)
    found = sorted(await sent(bus), key=str)
    assert found == [({"n": [1, 4]}, True), ({"n": [2, 3]}, False)]


@pytest.mark.parametrize(("key", "status"), [("cdk_ops", 202), (HR_KEY, 403)])
async def test_only_who_may_can_mark_a_message(door: Running, key: str, status: int) -> None:
    headers = {"authorization": f"Bearer {key}", "crossdock-test": "true"}
    contract = "sales.order.placed" if status == 202 else "hr.person.hired"
    answer = await door.http.post(f"/v1/messages/{contract}", json=ORDER, headers=headers)
    assert answer.status_code == status, answer.text
    stored = await door.stored()
    assert [is_test(each) for each in stored] == [True][: len(stored)]
    assert len(stored) == (status == 202)


async def test_an_event_is_marked_by_its_attribute_and_by_who_may(door: Running) -> None:
    event = {
        "specversion": "1.0",
        "id": "e",
        "source": "/x",
        "type": "sales.order.placed",
        "data": ORDER,
        "testmessage": "true",
    }
    kind = {"content-type": "application/cloudevents+json"}
    refused = await door.http.post("/v1/events", json=event, headers=BEARER | kind)
    assert refused.status_code == 403
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/testmessage"]
    ops = {"authorization": "Bearer cdk_ops"} | kind
    for value, status in (("yes", 400), ("true", 202)):
        answer = await door.http.post(
            "/v1/events", json=event | {"testmessage": value}, headers=ops
        )
        assert answer.status_code == status, answer.text
    assert [is_test(each) for each in await door.stored()] == [True]


async def test_a_mark_that_is_none_is_refused(door: Running) -> None:
    headers = BEARER | {"crossdock-test": "1"}
    answer = await door.http.post("/v1/messages/sales.order.placed", json=ORDER, headers=headers)
    assert answer.status_code == 400
