"""Groups in a real nats-server: complete once, whoever adds to them and whatever ends when."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterable

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from crossdock.contracts import Disconnected, Message, Subjects
from crossdock.mesh.bus import Bus, Stored, Swap
from crossdock.mesh.groups import Arrival, Completed, GroupStore, Member, Rule
from crossdock.mesh.groups.state import mark_of, read_completed
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from crossdock.mesh.telemetry import GroupMetrics, Metrics
from nats_server import NatsServer

SUBJECTS = Subjects("t")


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings())
    yield bus
    await bus.close()


def store(bus: Bus, rule: Rule, *, bound: int = 1 << 30) -> GroupStore:
    metrics = GroupMetrics.of(Metrics(CollectorRegistry(), "t", "router"), "r")
    return GroupStore(bus, "r", rule, metrics, bound=bound)


def arrival(number: int, key: str) -> Arrival:
    message = Message(id=f"m{number}", source="/test", type="a.b.c")
    member = Member(mark_of(message), message.id, None, msgspec.Raw(b'{"n":%d}' % number))
    return Arrival(key=key, member=member, message=message)


async def stored(bus: Bus, what: str) -> list[Stored]:
    subject = SUBJECTS.group(what, "r", "*")
    return [each async for each in bus.read("group", subject=subject)]


async def ready(bus: Bus) -> list[Completed]:
    return [read_completed(each.data) for each in await stored(bus, "ready")]


def ids(groups: Iterable[Completed]) -> Counter[str]:
    return Counter(each.id for group in groups for each in group.members)


async def test_writes_are_made_all_or_none(bus: Bus) -> None:
    one, other = (SUBJECTS.group("open", "r", name) for name in ("one", "other"))
    first = await bus.swap("group", [Swap(one, b"1", {}, 0), Swap(other, b"1", {}, 0)])
    assert first is not None
    assert await bus.swap("group", [Swap(one, b"2", {}, first), Swap(other, b"2", {}, 9)]) is None
    assert await bus.swap("group", [Swap(one, b"3", {}, first)]) is not None
    found = await bus.read_each("group", [one, other, SUBJECTS.group("open", "r", "none")])
    assert {subject: each.data for subject, each in found.items()} == {one: b"3", other: b"1"}
    newest = await bus.read_newest("group", one)
    assert newest is not None
    assert newest.data == b"3"
    assert await bus.read_newest("group", SUBJECTS.group("open", "r", "none")) is None


async def test_replicas_at_the_same_keys_lose_no_member_and_take_none_twice_I4(
    bus: Bus, nats_server: NatsServer
) -> None:
    buses = [await Bus.connect(nats_server.url, SUBJECTS, name=f"r{n}") for n in range(3)]
    arrivals = [arrival(number, f"k{number % 20}") for number in range(3000)]

    async def replica(own: Bus, offset: int) -> None:
        groups = store(own, Rule(size=10))
        for start in range(0, len(arrivals), 50):  # each member twice, at two replicas
            at = (start // 50 + offset) % 3
            if at < 2:
                await groups.join(arrivals[start : start + 50])

    async with asyncio.TaskGroup() as tasks:
        for offset, own in enumerate(buses):
            tasks.create_task(replica(own, offset))
    completed = await ready(bus)
    assert len(completed) == 300
    assert ids(completed) == {f"m{number}": 1 for number in range(3000)}
    assert {len(each.members) for each in completed} == {10}
    for own in buses:
        await own.close()


async def test_a_group_whose_time_is_up_is_closed_once_also_after_a_crash_of_the_broker(
    bus: Bus, nats_server: NatsServer
) -> None:
    rule = Rule(size=3, timeout=1.5)
    groups = store(bus, rule)
    await groups.join([arrival(1, "late"), arrival(2, "full"), arrival(3, "full")])
    await groups.join([arrival(4, "full")])
    assert len(await stored(bus, "timer")) == 1, "the full group has taken its timer with it"
    nats_server.kill()
    nats_server.start()
    due: list[Stored] = []
    async with asyncio.timeout(20):
        while not due:
            with contextlib.suppress(Disconnected):
                due = await stored(bus, "due")
            await asyncio.sleep(0.05)
    (hint,) = due
    token = hint.subject.rpartition(".")[2]
    closed = await asyncio.gather(*(store(bus, rule).expire(token) for _ in range(5)))
    assert sorted(closed) == [False] * 4 + [True]
    assert {each.key: (each.reason, len(each.members)) for each in await ready(bus)} == {
        "full": ("size", 3),
        "late": ("timeout", 1),
    }


async def test_a_timer_that_comes_too_early_is_set_again(bus: Bus) -> None:
    groups = store(bus, Rule(timeout=600, since="last"))
    await groups.join([arrival(1, "k")])
    (timer,) = await stored(bus, "timer")
    token = timer.subject.rpartition(".")[2]
    assert not await groups.expire(token)
    (again,) = await stored(bus, "timer")
    assert again.sequence > timer.sequence
    assert again.headers["Nats-Schedule"] == timer.headers["Nats-Schedule"]
    assert not await groups.expire(groups.token("nobody"))


async def test_an_empty_key_goes_when_nobody_need_be_known_any_more(bus: Bus) -> None:
    await store(bus, Rule(size=1, remember=1)).join([arrival(1, "k")])
    assert len(await stored(bus, "open")) == 1
    async with asyncio.timeout(30):
        while await stored(bus, "open"):
            await asyncio.sleep(0.05)


async def test_large_groups_are_written_in_parts_that_the_broker_takes_I8(bus: Bus) -> None:
    filler = msgspec.Raw(msgspec.json.encode("x" * 50_000))
    arrivals = [
        msgspec.structs.replace(each, member=msgspec.structs.replace(each.member, data=filler))
        for each in (arrival(number, f"k{number % 100}") for number in range(400))
    ]
    places = await store(bus, Rule(size=4)).join(arrivals)
    assert all(place.joined for place in places)
    assert ids(await ready(bus)) == {f"m{number}": 1 for number in range(400)}
    full = [msgspec.structs.replace(each, key="k") for each in itertools.islice(arrivals, 20)]
    places = await store(bus, Rule()).join(full)
    errors = [place.error.reason for place in places if place.error is not None]
    assert len(errors) == 5
    assert "its group is full" in errors[0]


async def test_many_groups_of_one_key_are_completed_at_once(bus: Bus) -> None:
    arrivals = [arrival(number, "k") for number in range(2500)]
    places = await store(bus, Rule(size=1)).join(arrivals)
    assert len({place.group for place in places}) == 2500
    assert ids(await ready(bus)) == {f"m{number}": 1 for number in range(2500)}


async def test_nobody_joins_when_the_groups_take_too_much_room_I8(bus: Bus) -> None:
    await store(bus, Rule()).join([arrival(1, "k")])
    with pytest.raises(Disconnected, match=r"broker\.max_bytes"):
        await store(bus, Rule(), bound=10).join([arrival(2, "k")])
