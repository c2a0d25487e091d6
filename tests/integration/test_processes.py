"""Processes on a real broker: durable, with replicas, with time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from crossdock.contracts import Message, Subjects
from crossdock.mesh import dead_letters, finding, redriving
from crossdock.mesh.bus import Bus
from crossdock.mesh.ledger import balance
from crossdock.mesh.telemetry import Metrics, configure_tracing
from crossdock.mesh.telemetry.process_metrics import ProcessMetrics
from crossdock.router.loading import load_router
from crossdock.router.processes.arriving import arrival_of
from crossdock.router.processes.counting import instances
from crossdock.router.processes.events import Arrival, Place
from crossdock.router.processes.instance import Instance
from crossdock.router.processes.storing import InstanceStore
from crossdock.router.processes.versions import Versions
from crossdock.router.running import Router
from fulfilment import PROCESS, told, write_fulfilment
from nats_server import NatsServer
from running_router import connected, started

SUBJECTS = Subjects("t")
SHORT = PROCESS.replace("after: 30m", "after: 300ms")
FAST = SHORT.replace("within: 2s", "within: 10m")


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


async def put(bus: Bus, *messages: Message) -> None:
    await asyncio.gather(*(bus.publish(SUBJECTS.incoming(each.type), each) for each in messages))


async def sent(bus: Bus, destination: str) -> list[Message]:
    return [
        Message.from_headers(each.headers, each.data)
        async for each in bus.read("out", subject=SUBJECTS.outgoing(destination))
    ]


async def until(bus: Bus, holds: Callable[[list[Instance]], bool]) -> list[Instance]:
    """Return the instances as soon as something holds for them."""
    async with asyncio.timeout(60):
        while not holds(found := [each async for _, each in instances(bus, "fulfilment")]):
            await asyncio.sleep(0.05)
    return found


async def at_rest(bus: Bus) -> None:
    async with asyncio.timeout(60):
        while any(each.lag for each in [*await bus.consumers("in"), *await bus.consumers("group")]):
            await asyncio.sleep(0.05)


def ended(state: str, count: int) -> Callable[[list[Instance]], bool]:
    return lambda found: (
        Counter(each.state for each in found if each.phase == "ended")[state] >= count
        and not any(each.outbox for each in found)
    )


async def test_two_replicas_take_many_orders_to_their_ends_and_send_each_command_once(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    folder = write_fulfilment(tmp_path)
    other_bus = await connected(nats_server.url)
    routers = [await started(bus, folder), await started(other_bus, folder)]
    orders = [f"o{number}" for number in range(100)]
    await put(bus, *(told("sales.order.placed", each) for each in orders))
    await put(bus, *(told("stock.goods.reserved", each) for each in orders))
    await put(bus, *(told("bank.payment.made", each) for each in orders))
    found = await until(bus, ended("done", 100))
    await at_rest(bus)
    for each in routers:
        await each.stop()
    await other_bus.close()
    assert len(found) == 100
    assert len(await sent(bus, "stock")) == len(await sent(bus, "bank")) == 100
    assert len({each.id for each in await sent(bus, "bank")}) == 100
    (line,) = await balance(bus)
    assert (line.name, line.taken, line.out, line.dead, line.missing) == (
        "fulfilment",
        300,
        300,
        0,
        0,
    )


async def test_a_time_out_takes_back_and_waits_for_the_confirmation(
    bus: Bus, tmp_path: Path
) -> None:
    router = await started(bus, write_fulfilment(tmp_path, process=FAST))
    await put(bus, told("sales.order.placed", "o1"))
    await until(bus, lambda found: [each.phase for each in found] == ["compensating"])
    await put(bus, told("stock.goods.released", "o1"))
    await until(bus, ended("failed", 1))
    await at_rest(bus)
    await router.stop()
    types = [each.type for each in await sent(bus, "stock")]
    assert types == ["stock.reserve.requested", "stock.release.requested"]
    left = [each.subject async for each in bus.read("group") if ".timer." in each.subject]
    assert left == []


async def test_a_time_that_is_up_while_nothing_runs_is_seen_afterwards_once(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    folder = write_fulfilment(tmp_path, process=FAST.replace("after: 300ms", "after: 1s"))
    router = await started(bus, folder)
    await put(bus, told("sales.order.placed", "o1"))
    await until(bus, lambda found: bool(found) and not found[0].outbox)
    await router.stop()
    await asyncio.sleep(1.5)  # the time that has to be up, and nobody there
    other_bus = await connected(nats_server.url)
    routers = [await started(bus, folder), await started(other_bus, folder)]
    (instance,) = await until(bus, lambda found: found[0].phase == "compensating")
    await put(bus, told("stock.goods.released", "o1"))
    (instance,) = await until(bus, ended("failed", 1))
    await at_rest(bus)
    for each in routers:
        await each.stop()
    await other_bus.close()
    assert [each.cause for each in instance.story] == ["message", "timeout", "message"]


async def test_a_process_is_seen_and_counts_what_it_does_I9(bus: Bus, tmp_path: Path) -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry, "t", "router")
    router = Router(bus, metrics, configure_tracing("r", "t", 0))
    process = SHORT.replace("within: 2s", "within: 200ms")
    await router.apply(load_router(write_fulfilment(tmp_path, process=process)))
    (seen,) = router.seen()
    assert (seen.kind, seen.name, seen.flow) == ("route", "fulfilment", "running")
    await put(bus, told("sales.order.placed", "o1"), told("sales.order.placed", "o2", 0))
    await put(bus, told("stock.goods.reserved", "o3"), told("bank.payment.made", "o3"))
    await put(bus, told("sales.order.placed", "o3"))
    await until(bus, lambda found: {each.status for each in found} == {"stuck", "ended"})
    async with asyncio.timeout(60):
        while not [1 async for _ in dead_letters.listing(bus)]:
            await asyncio.sleep(0.05)
    await at_rest(bus)

    def value(name: str, **more: str) -> float:
        labels = {"mesh": "t", "service": "router", "component": "fulfilment"} | more
        return registry.get_sample_value(f"crossdock_{name}", labels) or 0.0

    parts = ("out", "filtered", "grouped", "dead", "retried")
    told_of = [value(f"route_{each}_messages_total") for each in parts]
    assert value("route_in_messages_total") == sum(told_of)
    assert value("process_began_instances_total") == 2
    assert value("process_ended_instances_total", state="done") == 1
    assert value("process_stuck_instances_total") == 1
    assert value("process_steps_total", cause="timeout") == 2
    assert value("route_sent_messages_total", destination="bank") == 1
    await router.stop()


async def test_everything_once_more_changes_nothing_I4(bus: Bus, tmp_path: Path) -> None:
    folder = write_fulfilment(tmp_path)
    router = await started(bus, folder)
    for contract in ("sales.order.placed", "stock.goods.reserved", "bank.payment.made"):
        await put(bus, *(told(contract, f"o{n}") for n in range(20)))
    before = await until(bus, ended("done", 20))
    await at_rest(bus)
    await router.stop()
    await bus.jetstream.delete_consumer("t-in", "route-fulfilment")
    again = await started(bus, folder)
    await at_rest(bus)
    await again.stop()
    after = [each async for _, each in instances(bus, "fulfilment")]
    assert after == before
    assert len(await sent(bus, "stock")) == len(await sent(bus, "bank")) == 20


async def test_an_instance_ends_with_the_process_that_it_began_with(
    bus: Bus, tmp_path: Path
) -> None:
    router = await started(bus, write_fulfilment(tmp_path))
    await put(bus, told("sales.order.placed", "old"))
    await until(bus, lambda found: len(found) == 1)
    await router.stop()
    shorter = """
        process: fulfilment
        key: order
        starts: {on: sales.order.placed@^1, go: paying}
        states:
          paying:
            enter: [{send: bank, as: bank.payment.requested@1, map: "{'order': $key, 'amount': 1}"}]
            on: [{message: bank.payment.made@^1, go: paid}]
          paid: {end: true}
    """
    router = await started(bus, write_fulfilment(tmp_path, process=shorter))
    await put(bus, told("sales.order.placed", "new"))
    await put(bus, told("stock.goods.reserved", "old"))
    await put(bus, told("bank.payment.made", "old"), told("bank.payment.made", "new", 1))
    found = await until(bus, lambda found: all(each.phase == "ended" for each in found))
    await at_rest(bus)
    await router.stop()
    assert {each.key: each.state for each in found} == {"old": "done", "new": "paid"}


async def test_a_stuck_instance_is_a_dead_letter_and_goes_on_when_that_is_sent_again_I3(
    bus: Bus, tmp_path: Path
) -> None:
    process = SHORT.replace("within: 2s", "within: 200ms")
    router = await started(bus, write_fulfilment(tmp_path, process=process))
    await put(bus, told("sales.order.placed", "o1"))
    await until(bus, lambda found: [each.status for each in found] == ["stuck"])
    async with asyncio.timeout(60):
        while not (letters := [each async for each in dead_letters.listing(bus)]):
            await asyncio.sleep(0.05)
    (letter,) = letters
    assert (letter.cause.kind, letter.cause.where) == ("group", "fulfilment")
    assert "was not confirmed" in letter.cause.reason
    again = redriving.again(bus, letter, letter.data)
    await redriving.redrive(bus, [again], by="test", reason="once more")
    async with asyncio.timeout(60):
        while len(await sent(bus, "stock")) < 3:
            await asyncio.sleep(0.05)
    await put(bus, told("stock.goods.released", "o1"))
    await until(bus, ended("failed", 1))
    await router.stop()


async def test_a_message_that_cannot_be_taken_is_a_dead_letter_and_its_neighbours_are_not_I2(
    bus: Bus, tmp_path: Path
) -> None:
    process = PROCESS.replace("key: order", "key: order[$ != 'nobody']")
    router = await started(bus, write_fulfilment(tmp_path, process=process))
    await put(bus, *(told("sales.order.placed", each) for each in ("o1", "nobody", "o2")))
    await until(bus, lambda found: len(found) == 2)
    await at_rest(bus)
    await router.stop()
    letters = [each async for each in dead_letters.listing(bus)]
    assert [each.message_id for each in letters] == ["placed-nobody"]
    assert letters[0].cause.reason == "key gives nothing: a key is a text, a number or a boolean"


async def test_a_message_tells_which_commands_it_led_to(bus: Bus, tmp_path: Path) -> None:
    router = await started(bus, write_fulfilment(tmp_path))
    await put(bus, told("sales.order.placed", "o1"))
    await until(bus, lambda found: bool(found) and not found[0].outbox)
    await at_rest(bus)
    status = await finding.find(bus, "placed-o1")
    await router.stop()
    assert status is not None
    (route,) = status.routes
    assert route.detail.startswith("begins -> reserving, instance ")
    (command,) = await sent(bus, "stock")
    assert [(each.destination, each.id) for each in route.destinations] == [("stock", command.id)]


async def test_what_waited_in_vain_is_a_dead_letter_as_it_came_I3(bus: Bus, tmp_path: Path) -> None:
    process = PROCESS + "    limits: {wait: 300ms}\n"
    router = await started(bus, write_fulfilment(tmp_path, process=process))
    await put(bus, told("bank.payment.made", "o1"))
    async with asyncio.timeout(60):
        while not (letters := [each async for each in dead_letters.listing(bus)]):
            await asyncio.sleep(0.05)
    (letter,) = letters
    assert letter.message_id == "made-o1"
    assert letter.data == told("bank.payment.made", "o1").data
    await put(bus, told("sales.order.placed", "o1"), told("stock.goods.reserved", "o1"))
    await until(bus, lambda found: bool(found) and found[0].state == "paying")
    await redriving.redrive(
        bus, [redriving.again(bus, letter, letter.data)], by="test", reason="it has begun now"
    )
    await until(bus, ended("done", 1))
    await router.stop()


async def test_what_another_replica_has_done_is_seen_before_a_message_is_turned_away_I2(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    """One replica remembers a state that is over; nothing that it writes would tell it."""
    folder = write_fulfilment(tmp_path, process=PROCESS + "    unexpected: ignore\n")
    process = load_router(folder).processes["fulfilment"].compiled
    other_bus = await connected(nats_server.url)

    async def find(_: str) -> None:
        raise AssertionError("there is one revision")

    stores = [
        InstanceStore(
            each,
            process,
            Versions(process, find),
            ProcessMetrics.of(Metrics(CollectorRegistry(), "t", "router"), "fulfilment"),
            bound=1 << 30,
        )
        for each in (bus, other_bus)
    ]

    async def come(store: InstanceStore, contract: str) -> Place:
        arrival = arrival_of([process], told(contract, "o1"))
        assert isinstance(arrival, Arrival)
        (place,) = await store.let([(store.token("o1"), "o1", arrival)])
        return place

    assert (await come(stores[0], "sales.order.placed")).outcome == "grouped"
    assert (await come(stores[1], "stock.goods.reserved")).outcome == "grouped"
    paid = await come(stores[0], "bank.payment.made")
    late = await come(stores[1], "bank.payment.refused")
    await other_bus.close()
    assert paid.detail.startswith("paying -> done")
    assert "comes after the end" in late.detail
