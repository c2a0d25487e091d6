"""Order by key (I7) against a real nats-server: lanes, failures, replicas, takeovers."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import msgspec
import pytest

from crossdock.contracts import CrossdockError, Message, Reject, Retry, Subjects
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus, ConsumerSpec, Incoming
from crossdock.mesh.component import Component
from crossdock.mesh.ordering import OrderedConsuming
from crossdock.mesh.ordering.keys import of_attribute
from crossdock.mesh.ordering.takeover import Takeover
from crossdock.mesh.project.scalars import Duration
from crossdock.mesh.project.settings import BrokerSettings, Policy
from crossdock.mesh.streams import provision
from nats_server import NatsServer

SUBJECTS = Subjects("t")
FAST = Policy(
    attempts=4,
    delays=(Duration(0.05),),
    timeout=Duration(5),
    breaker_after=1000,
    breaker_pause=Duration(0.2),
)
# The pin is given away after eight seconds, and only then what was held comes again.
LATE = 11.0
SPEC = ConsumerSpec(stream="t-out", durable="dest-d", filters=("t.out.d",), ack_wait=3, pinned=True)
Decide = Callable[[str, int], CrossdockError | None]


def message(key: str, number: int) -> Message:
    return Message(
        id=f"{key}-{number}",
        source="/test",
        type="a.b.c",
        data=b"{}",
        extensions={"partitionkey": key},
    )


class Sink:
    """Keeps the effects of each key in their order; what fails is decided by id and attempt."""

    def __init__(self, decide: Decide = lambda _id, _attempt: None) -> None:
        self.decide = decide
        self.calls: Counter[str] = Counter()
        self.effects: dict[str, list[int]] = defaultdict(list)
        self.order: list[str] = []
        self.before: Callable[[Sequence[Incoming]], Awaitable[None]] | None = None

    async def __call__(self, batch: Sequence[Incoming]) -> Sequence[CrossdockError | None]:
        keys = [each.message().extensions.get("partitionkey") for each in batch]
        assert len(set(keys)) == len(keys), "a key is there twice at a time"
        if self.before is not None:
            await self.before(batch)
        return [self._effect(each.message().id) for each in batch]

    def _effect(self, name: str) -> CrossdockError | None:
        self.calls[name] += 1
        outcome = self.decide(name, self.calls[name])
        if outcome is None:
            key, _, number = name.rpartition("-")
            self.effects[key].append(int(number))
            self.order.append(name)
        return outcome

    @property
    def count(self) -> int:
        return len(self.order)

    async def until(self, condition: Callable[[], bool], within: float = 60) -> None:
        async with asyncio.timeout(within):
            while not condition():
                await asyncio.sleep(0.01)


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings())
    yield bus
    await bus.close()


def ordered(
    bus: Bus, sink: Sink, policy: Policy = FAST, spec: ConsumerSpec = SPEC
) -> OrderedConsuming:
    component = Component(kind="destination", name="d", policy=policy, batch=50)
    return OrderedConsuming(bus, component, spec, sink, lambda _event, _count: None, of_attribute)


async def publish(bus: Bus, keys: Sequence[str], count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        await bus.publish_many([("t.out.d", message(key, number)) for key in keys])


async def stop(consuming: OrderedConsuming, task: asyncio.Task[None]) -> None:
    consuming.stop()
    await task


async def test_keeps_the_messages_of_each_key_in_order_while_some_fail(bus: Bus) -> None:
    keys = [f"k{number}" for number in range(20)]

    def decide(name: str, attempt: int) -> CrossdockError | None:
        return Retry("later") if attempt < 3 and name.endswith("7") else None

    sink = Sink(decide)
    consuming = ordered(bus, sink)
    task = asyncio.create_task(consuming.run())
    await publish(bus, keys, 30)
    await sink.until(lambda: sink.count == 600)
    await stop(consuming, task)
    assert dict(sink.effects) == {key: list(range(30)) for key in keys}
    assert sink.calls["k3-7"] == 3


async def test_other_keys_go_on_while_one_waits(bus: Bus) -> None:
    open_again = asyncio.Event()
    slow = Policy(attempts=1000, delays=(Duration(0.05),), breaker_after=10**6)
    sink = Sink(
        lambda name, _: Retry("no") if name == "bad-0" and not open_again.is_set() else None
    )
    consuming = ordered(bus, sink, slow)
    task = asyncio.create_task(consuming.run())
    await publish(bus, ["bad", "good"], 200)
    await sink.until(lambda: len(sink.effects["good"]) == 200)
    assert sink.effects["bad"] == []
    assert consuming.waiting_keys() == 1
    assert consuming.oldest_wait() > 0
    open_again.set()
    await sink.until(lambda: sink.count == 400)
    await stop(consuming, task)
    assert sink.effects["bad"] == list(range(200))


async def test_goes_on_with_a_key_after_a_dead_letter(bus: Bus) -> None:
    sink = Sink(lambda name, _: Reject("never") if name == "a-1" else None)
    consuming = ordered(bus, sink)
    task = asyncio.create_task(consuming.run())
    await publish(bus, ["a"], 4)
    await sink.until(lambda: sink.count == 3)
    await stop(consuming, task)
    assert sink.effects["a"] == [0, 2, 3]
    letters = [each.message_id async for each in dead_letters.listing(bus)]
    assert letters == ["a-1"]


async def test_one_replica_works_and_another_goes_on_when_it_stops(bus: Bus) -> None:
    sink = Sink()
    first, second = ordered(bus, sink), ordered(bus, sink)
    tasks = [asyncio.create_task(each.run()) for each in (first, second)]
    await publish(bus, ["a", "b"], 50)
    await sink.until(lambda: sink.count == 100)
    assert [first.active, second.active].count(True) == 1
    active, other = (first, second) if first.active else (second, first)
    mine, its = (tasks[0], tasks[1]) if first.active else (tasks[1], tasks[0])
    await stop(active, mine)
    await publish(bus, ["a", "b"], 50, start=50)
    await sink.until(lambda: sink.count == 200)
    assert other.active
    await stop(other, its)
    assert dict(sink.effects) == {"a": list(range(100)), "b": list(range(100))}


class Replica:
    """A component in a connection of its own, which can end as a process ends: in a moment."""

    def __init__(self, bus: Bus, sink: Sink) -> None:
        self.bus = bus
        self.consuming = ordered(bus, sink, spec=msgspec.structs.replace(SPEC, ack_wait=LATE))
        self.task = asyncio.create_task(self.consuming.run())

    @classmethod
    async def start(cls, server: NatsServer, sink: Sink) -> Replica:
        return cls(await Bus.connect(server.url, SUBJECTS, name="replica"), sink)

    async def kill(self) -> None:
        """End without a word: nothing is given back, the connection breaks."""
        self.bus.client._transport.close()
        self.bus.client.options["allow_reconnect"] = False
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def stop(self) -> None:
        await stop(self.consuming, self.task)
        await self.bus.close()


async def _taken_over(server: NatsServer, bus: Bus) -> dict[str, list[int]]:
    """Return the effects when one replica ends with messages in hand and newer ones come."""
    hanging = Sink()
    begun = asyncio.Event()

    async def hang(_: Sequence[Incoming]) -> None:
        begun.set()
        await asyncio.Event().wait()

    hanging.before = hang
    first = await Replica.start(server, hanging)
    await publish(bus, ["a", "b"], 10)
    await begun.wait()
    await first.kill()
    sink = Sink()
    second = await Replica.start(server, sink)
    await publish(bus, ["a", "b"], 10, start=10)
    await sink.until(lambda: sink.count == 40)
    await second.stop()
    return dict(sink.effects)


async def test_takes_over_what_a_dead_replica_held_before_anything_newer(
    nats_server: NatsServer, bus: Bus
) -> None:
    effects = await _taken_over(nats_server, bus)
    assert effects == {"a": list(range(20)), "b": list(range(20))}


async def test_without_the_guard_newer_messages_would_overtake(
    nats_server: NatsServer, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: the test above can tell."""
    monkeypatch.setattr(Takeover, "saw", lambda self, _: setattr(self, "open", False))
    effects = await _taken_over(nats_server, bus)
    assert effects["a"] != list(range(20))
