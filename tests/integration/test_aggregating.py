"""Aggregator on a real broker: messages of one key become one message, once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from aggregating_project import ROUTE, line, write_aggregating
from crossdock.contracts import Message, Subjects
from crossdock.mesh import dead_letters, finding, redriving
from crossdock.mesh.bus import Bus
from crossdock.mesh.expression import Json
from crossdock.mesh.janitor import Janitor
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from crossdock.mesh.telemetry import Metrics, configure_tracing
from crossdock.router.loading import load_router
from crossdock.router.running import Router
from nats_server import NatsServer
from project_folder import write, write_contract

SUBJECTS = Subjects("t")
IN = SUBJECTS.incoming("sales.line.ordered")

SPLITTING = """
    route: parts
    accepts: sales.order.placed
    steps:
      - split: lines
      - map: "{'order': $whole.order, 'line': $part.index, 'of': $part.count}"
        as: sales.line.ordered
    send:
      - to: work
"""
JOINING = """
    route: orders
    accepts: sales.line.ordered
    aggregate:
      by: $message.extensions.correlationid
      complete: {size: $number($message.extensions.partcount), timeout: 30s}
      order: $number($message.extensions.partindex)
      map: "{'order': key, 'lines': [parts.line]}"
      as: sales.order.whole
    send:
      - to: book
"""


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings())
    yield bus
    await bus.close()


async def started(bus: Bus, folder: Path, registry: CollectorRegistry | None = None) -> Router:
    metrics = Metrics(registry or CollectorRegistry(), "t", "router")
    router = Router(bus, metrics, configure_tracing("r", "t", 0))
    await router.apply(load_router(folder))
    async with asyncio.timeout(30):
        while router.not_ready():
            await asyncio.sleep(0.01)
    return router


async def sent(bus: Bus, destination: str, count: int) -> list[Message]:
    """Wait until so many messages have been sent to a destination, and return them."""
    async with asyncio.timeout(30):
        while True:
            subject = SUBJECTS.outgoing(destination)
            found = [each async for each in bus.read("out", subject=subject)]
            if len(found) >= count:
                return [Message.from_headers(each.headers, each.data) for each in found]
            await asyncio.sleep(0.05)


async def at_rest(bus: Bus) -> None:
    """Wait until both halves of the route have settled everything."""
    async with asyncio.timeout(30):
        while True:
            consumers = [*await bus.consumers("in"), *await bus.consumers("group")]
            if not any(each.lag for each in consumers):
                return
            await asyncio.sleep(0.05)


def data(messages: list[Message]) -> list[Json]:
    return [msgspec.json.decode(each.data) for each in messages]


async def test_the_lines_of_an_order_become_the_order_in_their_order(
    bus: Bus, tmp_path: Path
) -> None:
    registry = CollectorRegistry()
    router = await started(bus, write_aggregating(tmp_path), registry)
    lines = [line(f"o{order}", number, 5) for number in (3, 1, 5, 2, 4) for order in range(200)]
    await bus.publish_many([(IN, each) for each in lines])
    await bus.publish(IN, line("o0", -1, 5))  # filtered before it is grouped
    found = await sent(bus, "book", 200)
    await at_rest(bus)
    assert {each["order"]: each["lines"] for each in data(found)} == {
        f"o{order}": [1, 2, 3, 4, 5] for order in range(200)
    }
    assert {each.type for each in found} == {"sales.order.whole"}

    def value(name: str) -> float | None:
        labels = {"mesh": "t", "service": "router", "component": "orders"}
        return registry.get_sample_value(f"crossdock_route_{name}_messages_total", labels)

    assert (value("in"), value("grouped"), value("filtered"), value("out")) == (1201, 1000, 1, 200)
    labels = {"mesh": "t", "service": "router", "component": "orders", "reason": "size"}
    assert registry.get_sample_value("crossdock_completed_groups_total", labels) == 200
    await router.stop()


async def test_a_thousand_parts_of_a_split_message_come_together_again_in_their_order(
    bus: Bus, tmp_path: Path
) -> None:
    """Split, work elsewhere, join: the parts come back through the door, in any order."""
    write_aggregating(tmp_path)
    write(tmp_path, "routes/parts.yaml", SPLITTING)
    write(tmp_path, "routes/orders.yaml", JOINING)
    write_contract(tmp_path, "sales.order.placed", {"type": "object"})
    order = Message(
        id="big",
        source="/test",
        type="sales.order.placed",
        dataschema="crossdock:sales.order.placed/1.0.0",
        data=msgspec.json.encode({"order": "o1", "lines": list(range(1000))}),
    )
    router = await started(bus, tmp_path)
    await bus.publish(SUBJECTS.incoming("sales.order.placed"), order)
    parts = await sent(bus, "work", 1000)
    random.Random(1).shuffle(parts)  # noqa: S311 - to repeat a run
    await bus.publish_many([(IN, each) for each in parts])
    (whole,) = await sent(bus, "book", 1)
    await at_rest(bus)
    await router.stop()
    assert msgspec.json.decode(whole.data)["lines"] == list(range(1000))
    assert whole.extensions["correlationid"] == "big"


async def test_a_line_that_comes_again_makes_no_second_order_I4(bus: Bus, tmp_path: Path) -> None:
    folder = write_aggregating(tmp_path)
    router = await started(bus, folder)
    await bus.publish_many([(IN, line(f"o{o}", n, 2)) for o in range(100) for n in (1, 2)])
    await sent(bus, "book", 100)
    await at_rest(bus)
    await router.stop()
    await bus.jetstream.delete_consumer("t-in", "route-orders")
    again = await started(bus, folder)  # a fresh consumer takes everything once more
    await at_rest(bus)
    await bus.publish_many([(IN, line("o100", n, 2)) for n in (1, 2)])
    assert len(await sent(bus, "book", 101)) == 101
    await at_rest(bus)
    await again.stop()
    assert len(await sent(bus, "book", 101)) == 101


async def test_a_message_is_accepted_until_its_group_is_sent_and_its_entry_names_the_group(
    bus: Bus, tmp_path: Path
) -> None:
    router = await started(bus, write_aggregating(tmp_path))
    first = await bus.publish(IN, line("o1", 1, 2))
    async with asyncio.timeout(30):
        while (status := await finding.find(bus, "o1-1", first.sequence)) is None or (
            status.routes[0].state != "grouped"
        ):
            await asyncio.sleep(0.05)
    assert status.state == "accepted"
    (group,) = status.routes[0].destinations
    await bus.publish(IN, line("o1", 2, 2))
    (order,) = await sent(bus, "book", 1)
    await at_rest(bus)
    await router.stop()
    assert order.extensions["causationid"] == group.id
    assert order.extensions["correlationid"] == "o1-1"
    status = await finding.find(bus, "o1-1", first.sequence)
    assert status is not None
    assert [(each.destination, each.id) for each in status.routes[0].destinations] == [
        ("book", order.id)
    ]


async def test_a_group_whose_time_is_up_goes_its_own_way(bus: Bus, tmp_path: Path) -> None:
    route = ROUTE.replace("timeout: 30s", "timeout: 500ms")
    router = await started(bus, write_aggregating(tmp_path, route=route))
    await bus.publish(IN, line("o1", 1, 2))
    (late,) = await sent(bus, "late", 1)
    await bus.publish(IN, line("o1", 2, 2))  # the next group of the same key
    (_, other) = await sent(bus, "late", 2)
    await at_rest(bus)
    await router.stop()
    assert data([late, other]) == [
        {"order": "o1", "lines": [1], "why": "timeout"},
        {"order": "o1", "lines": [2], "why": "timeout"},
    ]
    assert late.id != other.id


async def test_a_partial_group_becomes_a_dead_letter_where_the_route_says_so_and_is_redriven_I3(
    bus: Bus, tmp_path: Path
) -> None:
    route = ROUTE.replace("timeout: 30s", "timeout: 500ms, partial: dead")
    router = await started(bus, write_aggregating(tmp_path, route=route))
    await bus.publish(IN, line("o1", 1, 2))
    async with asyncio.timeout(30):
        while not (letters := [each async for each in dead_letters.listing(bus)]):
            await asyncio.sleep(0.05)
    (letter,) = letters
    assert letter.cause.reason == "aggregate: its time is up with 1 of 2 members"
    assert (letter.cause.kind, letter.cause.where) == ("group", "orders")
    status = await finding.find(bus, "o1-1")
    assert status is not None
    assert status.state == "dead"
    await router.stop()
    lenient = await started(bus, write_aggregating(tmp_path))
    sent_again = redriving.again(bus, letter, letter.data)
    await redriving.redrive(bus, [sent_again], by="test", reason="as it is")
    (late,) = await sent(bus, "late", 1)
    await at_rest(bus)
    await lenient.stop()
    status = await finding.find(bus, "o1-1")
    assert status is not None
    assert [(each.destination, each.id) for each in status.routes[0].destinations] == [
        ("late", late.id)
    ]
    assert data([late]) == [{"order": "o1", "lines": [1], "why": "timeout"}]


async def test_a_line_without_a_key_is_a_dead_letter_and_its_neighbours_are_not(
    bus: Bus, tmp_path: Path
) -> None:
    route = ROUTE.replace("by: order", "by: order[$ != 'nobody']")
    router = await started(bus, write_aggregating(tmp_path, route=route))
    await bus.publish_many([(IN, line(o, 1, 1)) for o in ("o1", "nobody", "o2")])
    found = await sent(bus, "book", 2)
    async with asyncio.timeout(30):
        while not (letters := [each async for each in dead_letters.listing(bus)]):
            await asyncio.sleep(0.05)
    await router.stop()
    assert sorted(each["order"] for each in data(found)) == ["o1", "o2"]
    assert [each.message_id for each in letters] == ["nobody-1"]
    assert "aggregate/by gives nothing" in letters[0].cause.reason


async def test_the_janitor_removes_groups_that_have_gone_on_and_keeps_open_ones(
    bus: Bus, tmp_path: Path
) -> None:
    router = await started(bus, write_aggregating(tmp_path))
    await bus.publish_many([(IN, line(f"o{o}", 1, 1)) for o in range(50)])
    await bus.publish(IN, line("open", 1, 2))
    await sent(bus, "book", 50)
    await at_rest(bus)
    await Janitor(bus, BrokerSettings()).clean_groups()
    left = [each.subject.split(".")[2] async for each in bus.read("group")]
    await bus.publish(IN, line("open", 2, 2))
    await sent(bus, "book", 51)
    await router.stop()
    assert left.count("ready") == left.count("due") == 0
    assert left.count("open") == 51
    assert left.count("timer") == 1
