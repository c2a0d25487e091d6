"""The loss ledger: what came in has an outcome, or is told to be missing (I9)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from crossdock.contracts import CrossdockError
from crossdock.mesh import records
from crossdock.mesh.bus import Bus, ConsumerSpec, Incoming
from crossdock.mesh.ledger import Line, balance
from crossdock.mesh.ledger_watch import LedgerWatch
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from crossdock.mesh.telemetry import Metrics
from crossdock.router.handling import RouteHandler
from crossdock.router.loading import load_router
from nats_server import NatsServer
from project_folder import ROUTE, write, write_contract, write_project
from routed_orders import order
from running_router import ORDER, SUBJECTS, entries_of, running_router

IN = SUBJECTS.incoming(ORDER)


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings())
    yield bus
    await bus.close()


async def line(bus: Bus, name: str) -> Line:
    return next(each for each in await balance(bus) if each.name == name)


async def at_rest(bus: Bus) -> None:
    async with asyncio.timeout(20):
        while any(each.lag for each in await bus.consumers("in")):
            await asyncio.sleep(0.02)


def losing(some: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the router acknowledge some messages without doing anything with them."""
    right = RouteHandler.__call__

    async def call(
        self: RouteHandler, batch: Sequence[Incoming]
    ) -> Sequence[CrossdockError | None]:
        kept = [each for each in batch if each.message().id not in some]
        outcomes = iter(await right(self, kept) if kept else [])
        return [None if each.message().id in some else next(outcomes) for each in batch]

    monkeypatch.setattr(RouteHandler, "__call__", call)


async def test_every_message_is_in_its_column(bus: Bus, tmp_path: Path) -> None:
    async with running_router(bus, write_project(tmp_path)):
        totals = [10] * 6 + [0] * 3 + [0.5] * 2  # routed, filtered, dead
        await bus.publish_many([(IN, order(n, total=each)) for n, each in enumerate(totals)])
        await entries_of(bus, "by-country", 11)
        await at_rest(bus)
    await bus.publish(IN, order(99))
    found = await line(bus, "by-country")
    assert (found.taken, found.out, found.filtered, found.dead) == (12, 6, 3, 2)
    assert (found.in_flight, found.missing, found.balanced) == (1, 0, True)


async def test_what_is_acknowledged_without_an_outcome_is_missing(
    bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losing({"m3", "m5"}, monkeypatch)
    async with running_router(bus, write_project(tmp_path)):
        await bus.publish_many([(IN, order(n)) for n in range(10)])
        await entries_of(bus, "by-country", 8)
        await at_rest(bus)
        found = await line(bus, "by-country")
    assert (found.taken, found.out, found.missing, found.balanced) == (10, 8, 2, False)


async def test_it_balances_at_any_moment_while_messages_flow(bus: Bus, tmp_path: Path) -> None:
    async with running_router(bus, write_project(tmp_path)):
        sending = asyncio.create_task(send_in_parts(bus, 4000), name="send")
        looks = 0
        while not sending.done():
            assert all(each.balanced for each in await balance(bus))
            looks += 1
        await at_rest(bus)
        found = await line(bus, "by-country")
    assert looks > 1
    assert (found.taken, found.out, found.in_flight) == (4000, 4000, 0)


async def send_in_parts(bus: Bus, count: int) -> None:
    for start in range(0, count, 200):
        await bus.publish_many([(IN, order(n)) for n in range(start, start + 200)])


async def test_what_a_route_says_to_have_made_and_never_came_is_told(bus: Bus) -> None:
    spec = ConsumerSpec(stream="t-out", durable="dest-eu", filters=(SUBJECTS.outgoing("eu"),))
    await bus.puller(spec).ensure()
    await bus.publish(SUBJECTS.outgoing("eu"), order(1))
    made = records.Entry("p", 1, "routed", children=(("eu", "m1"), ("eu", "never")))
    await records.write(bus, "route", "r", [made])
    found = await line(bus, "eu")
    assert (found.taken, found.in_flight, found.unsent, found.balanced) == (1, 1, 1, False)


async def test_a_route_that_takes_another_contract_owes_only_what_comes_from_then_on(
    bus: Bus, tmp_path: Path
) -> None:
    project = write_project(tmp_path)
    write_contract(project, "sales.order.changed", {"type": "object"})
    other = SUBJECTS.incoming("sales.order.changed")
    async with running_router(bus, project):
        await bus.publish(other, order(1))
        await bus.publish(IN, order(2))
        await entries_of(bus, "by-country", 1)
        await at_rest(bus)
    both = "[sales.order.placed@^1, sales.order.changed@^1]"
    write(project, "routes/by-country.yaml", ROUTE.replace("sales.order.placed@^1", both))
    async with running_router(bus, project):
        await bus.publish(IN, order(3))
        await entries_of(bus, "by-country", 2)
        await at_rest(bus)
        found = await line(bus, "by-country")
    assert (found.since, found.taken, found.out, found.missing) == (3, 1, 1, 0)


async def test_a_later_route_owes_nothing_of_before(bus: Bus, tmp_path: Path) -> None:
    project = write_project(tmp_path)
    async with running_router(bus, project) as router:
        await bus.publish(IN, order(1))
        await entries_of(bus, "by-country", 1)
        write(project, "routes/later.yaml", ROUTE.replace("by-country", "later"))
        await router.apply(load_router(project))
        async with asyncio.timeout(30):
            while router.not_ready():
                await asyncio.sleep(0.01)
        await bus.publish(IN, order(2))
        await entries_of(bus, "later", 1)
        await at_rest(bus)
        found = await line(bus, "later")
    assert (found.taken, found.out, found.missing) == (1, 1, 0)


async def test_the_watch_shows_what_is_missing_and_nothing_when_all_is_there(
    bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losing({"m3"}, monkeypatch)
    registry = CollectorRegistry()
    watch = LedgerWatch(bus, Metrics(registry, "t", "router"))

    def shown() -> float | None:
        labels = {"mesh": "t", "service": "router", "component": "by-country"}
        return registry.get_sample_value("crossdock_ledger_missing_messages", labels)

    async with running_router(bus, write_project(tmp_path)):
        await watch.look()
        await bus.publish_many([(IN, order(n, total=n)) for n in (1, 2)])
        await entries_of(bus, "by-country", 2)
        await at_rest(bus)
        await watch.look()
        assert shown() == 0
        await bus.publish_many([(IN, order(n)) for n in (3, 4)])
        await entries_of(bus, "by-country", 3)
        await at_rest(bus)
        await watch.look()
        assert shown() == 1
        await bus.publish(IN, order(5))
        await entries_of(bus, "by-country", 4)
        await at_rest(bus)
        for _ in range(12):  # a gap that stays is final, and is still told
            await watch.look()
    assert shown() == 1


async def test_a_consumer_of_which_it_is_not_known_since_when_it_owes_is_noted_anew(
    bus: Bus,
) -> None:
    await bus.publish(IN, order(1))
    spec = ConsumerSpec(stream="t-in", durable="route-old", filters=(IN,), from_start=False)
    made = spec.config(None)  # as an earlier version made it
    body = json.dumps({"stream_name": "t-in", "config": made}).encode()
    await bus.client.request("$JS.API.CONSUMER.CREATE.t-in.route-old", body)
    assert (await line(bus, "old")).missing == 1
    await bus.puller(spec).ensure()
    found = await line(bus, "old")
    assert (found.since, found.missing) == (2, 0)
