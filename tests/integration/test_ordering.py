"""Order by key (I7) against a real nats-server: lanes, failures, replicas, takeovers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import msgspec
import pytest

from crossdock.contracts import CrossdockError, Reject, Retry
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus, Incoming
from crossdock.mesh.component import Component
from crossdock.mesh.consuming import Consuming
from crossdock.mesh.control import Act, Flow, FlowState, Name, Permit
from crossdock.mesh.control.acts import flow_key
from crossdock.mesh.ordering import OrderedConsuming, OrderKey, bodies
from crossdock.mesh.ordering.takeover import Takeover
from crossdock.mesh.project.scalars import Duration
from crossdock.mesh.project.settings import BrokerSettings, Policy
from crossdock.mesh.streams import provision
from nats_server import NatsServer
from ordered_sink import FAST, SPEC, SUBJECTS, Sink, ordered, publish, stop

# The pin is given away after eight seconds, and only then what was held comes again.
LATE = 11.0


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings())
    yield bus
    await bus.close()


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


async def test_a_sink_that_keeps_order_in_a_batch_gets_runs_of_a_key(bus: Bus) -> None:
    tried: Counter[str] = Counter()

    def decide(name: str, _: int) -> CrossdockError | None:
        if not name.endswith("7"):
            return Reject("never") if name.endswith("3") else None
        tried[name] += 1
        return Retry("later") if tried[name] < 4 else None

    sink = Sink(decide, runs=True)
    await publish(bus, ["a", "b"], 100)
    consuming = ordered(bus, sink)
    task = asyncio.create_task(consuming.run())
    await sink.until(lambda: sink.count == 180)
    await stop(consuming, task)
    wanted = [number for number in range(100) if number % 10 != 3]
    assert dict(sink.effects) == {"a": wanted, "b": wanted}
    assert sink.largest > 10


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


async def test_without_lanes_what_must_be_tried_again_would_be_overtaken(bus: Bus) -> None:
    """Negative control: the same messages through the loop of components without an order."""
    sink = Sink(lambda name, attempt: Retry("later") if (name, attempt) == ("a-3", 1) else None)
    component = Component(kind="destination", name="d", policy=FAST, batch=1)
    consuming = Consuming(bus, component, msgspec.structs.replace(SPEC, pinned=False), sink)
    task = asyncio.create_task(consuming.run())
    await publish(bus, ["a"], 20)
    await sink.until(lambda: sink.count == 20)
    consuming.stop()
    await task
    assert sorted(sink.effects["a"]) == list(range(20)) != sink.effects["a"]


async def test_a_component_that_begins_or_ends_to_keep_order_loses_nothing(bus: Bus) -> None:
    """Its consumer stays the same one, also with messages that are not settled."""
    sink, stuck = Sink(), asyncio.Event()

    async def wait(_: Sequence[Incoming]) -> None:
        await stuck.wait()

    component = Component(kind="destination", name="d", policy=FAST, batch=10)
    sink.before = wait
    plain = Consuming(bus, component, msgspec.structs.replace(SPEC, pinned=False), sink)
    tasks = [asyncio.create_task(plain.run())]
    await publish(bus, ["a", "b"], 20)
    await sink.until(lambda: plain.held() > 0)
    keeps = ordered(bus, sink)
    tasks.append(asyncio.create_task(keeps.run()))
    await sink.until(lambda: keeps.state == "running")
    stuck.set()
    plain.stop()
    await tasks[0]
    await publish(bus, ["a", "b"], 20, start=20)
    await sink.until(lambda: sink.count == 80)
    await stop(keeps, tasks[1])
    again = Consuming(bus, component, msgspec.structs.replace(SPEC, pinned=False), sink)
    tasks.append(asyncio.create_task(again.run()))
    await publish(bus, ["a", "b"], 5, start=40)
    await sink.until(lambda: sink.count == 90)
    again.stop()
    await tasks[2]
    assert {key: sorted(found) for key, found in sink.effects.items()} == {
        "a": list(range(45)),
        "b": list(range(45)),
    }


async def test_stays_in_order_when_the_broker_is_killed_and_begins_anew(
    nats_server: NatsServer, bus: Bus
) -> None:
    sink = Sink(lambda name, attempt: Retry("later") if attempt < 2 and name[-1] == "5" else None)
    first, second = ordered(bus, sink), ordered(bus, sink)
    tasks = [asyncio.create_task(each.run()) for each in (first, second)]
    keys = [f"k{number}" for number in range(5)]
    await publish(bus, keys, 40)
    for start in (40, 80):
        until = start * 2
        await sink.until(lambda: sink.count > until)  # noqa: B023 - asked before it changes
        nats_server.kill()
        nats_server.start()
        await sink.until(lambda: bus.connected)
        await publish(bus, keys, 40, start=start)
    await sink.until(lambda: all(len(set(sink.effects[key])) == 120 for key in keys))
    await stop(first, tasks[0])
    await stop(second, tasks[1])
    # A broker that is killed forgets its last acknowledgements: what an inbox knows comes again.
    first_effects = {key: list(dict.fromkeys(found)) for key, found in sink.effects.items()}
    assert first_effects == {key: list(range(120)) for key in keys}


async def test_acknowledges_again_what_it_has_done_and_has_no_second_effect(bus: Bus) -> None:
    sink = Sink()
    consuming = ordered(bus, sink)
    ack, lost = Incoming.ack, []

    async def lose(self: Incoming) -> None:
        if self.delivered == 1 and self.message().id == "a-1":
            self.settled = True
            lost.append(self)
        else:
            await ack(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Incoming, "ack", lose)
        task = asyncio.create_task(consuming.run())
        await publish(bus, ["a"], 4)
        async with asyncio.timeout(60):
            while (await bus.jetstream.consumer_info("t-out", "dest-d")).ack_floor.stream_seq < 4:
                await asyncio.sleep(0.05)
        await stop(consuming, task)
    assert lost
    assert sink.order == ["a-0", "a-1", "a-2", "a-3"]


async def test_i8_holds_bodies_up_to_a_bound_and_reads_the_others_again(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MOST_BYTES", 6)
    sink = Sink(lambda name, attempt: Retry("later") if (name, attempt) == ("a-0", 1) else None)
    consuming = ordered(bus, sink)
    task = asyncio.create_task(consuming.run())
    await publish(bus, ["a", "b"], 50)
    await sink.until(lambda: sink.count == 100)
    await stop(consuming, task)
    assert dict(sink.effects) == {"a": list(range(50)), "b": list(range(50))}


async def test_i8_takes_nothing_new_while_as_many_wait_as_may(bus: Bus) -> None:
    """A key that fails for long stops the others in the end, and not for ever."""
    open_again = asyncio.Event()
    slow = Policy(attempts=10**6, delays=(Duration(0.05),), breaker_after=10**6)
    sink = Sink(
        lambda name, _: Retry("no") if name == "bad-0" and not open_again.is_set() else None
    )
    consuming = ordered(bus, sink, slow, msgspec.structs.replace(SPEC, max_ack_pending=30))
    task = asyncio.create_task(consuming.run())
    await publish(bus, ["bad"], 40)
    await publish(bus, ["good"], 5)
    await sink.until(lambda: consuming.held() == 30)
    assert sink.count == 0
    open_again.set()
    await sink.until(lambda: sink.count == 45)
    await stop(consuming, task)
    assert dict(sink.effects) == {"bad": list(range(40)), "good": list(range(5))}


@pytest.mark.parametrize("state", ["paused", "draining"])
async def test_heeds_operators_and_goes_on_in_order_when_they_let_it(
    bus: Bus, state: FlowState
) -> None:
    name = Name("destination", "d")
    acts: dict[str, Act] = {}
    permit, sink = Permit(name, acts), Sink()
    key = OrderKey().of_incoming
    component = Component(kind="destination", name="d", policy=FAST, batch=10, key=key)
    consuming = OrderedConsuming(bus, component, SPEC, sink, lambda _event, _count: None, permit)
    task = asyncio.create_task(consuming.run())
    await publish(bus, ["a", "b"], 20)
    await sink.until(lambda: sink.count == 40)
    acts[flow_key(name)] = Flow(state=state, by="test", at="2026-01-01T00:00:00Z")
    permit.wake()
    await sink.until(lambda: not consuming._puller.listening)
    await publish(bus, ["a", "b"], 20, start=20)
    assert (sink.count, consuming.in_hand()) == (40, 0)
    acts.clear()
    permit.wake()
    await sink.until(lambda: sink.count == 80)
    await stop(consuming, task)
    assert dict(sink.effects) == {"a": list(range(40)), "b": list(range(40))}
