"""The consuming loop against a real nats-server: each message is settled once, for a reason."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from crossdock.contracts import (
    CrossdockError,
    Disconnected,
    Halt,
    Message,
    Problem,
    Reject,
    Retry,
    Subjects,
)
from crossdock.mesh import dead_letters, redriving
from crossdock.mesh.bus import Bus, ConsumerSpec, Incoming
from crossdock.mesh.component import Component
from crossdock.mesh.consuming import Consuming
from crossdock.mesh.project.scalars import Duration
from crossdock.mesh.project.settings import BrokerSettings, Policy
from crossdock.mesh.streams import provision
from nats_server import NatsServer

SUBJECTS = Subjects("t")
FAST = Policy(
    attempts=3,
    delays=(Duration(0.05),),
    timeout=Duration(1),
    breaker_after=50,
    breaker_pause=Duration(0.2),
)
PROGRAM = Path(__file__).parents[1] / "programs" / "dying_consumer.py"
Decide = Callable[[str], CrossdockError | None]


def message(number: int) -> Message:
    return Message(id=f"m{number}", source="/test", type="a.b.c", data=b'{"secret":"payload"}')


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings())
    yield bus
    await bus.close()


class Sink:
    """Counts the effects; what fails is decided by a function of the id."""

    def __init__(self, decide: Decide = lambda _id: None) -> None:
        self.decide = decide
        self.effects: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.before: Callable[[Sequence[Incoming]], Awaitable[None]] | None = None

    async def __call__(self, batch: Sequence[Incoming]) -> Sequence[CrossdockError | None]:
        if self.before is not None:
            await self.before(batch)
        outcomes = []
        for each in batch:
            key = each.message().id
            self.calls[key] += 1
            outcome = self.decide(key)
            outcomes.append(outcome)
            if outcome is None:
                self.effects[key] += 1
        return outcomes

    async def until(self, count: int, within: float = 20) -> None:
        async with asyncio.timeout(within):
            while len(self.effects) < count:
                await asyncio.sleep(0.01)


def consume(
    bus: Bus, sink: Sink, policy: Policy = FAST, batch: int = 100, lanes: int = 1
) -> Consuming:
    component = Component(kind="destination", name="d", policy=policy, batch=batch, lanes=lanes)
    spec = ConsumerSpec(stream="t-out", durable="dest-d", filters=("t.out.d",), ack_wait=3)
    return Consuming(bus, component, spec, sink)


async def publish(bus: Bus, count: int) -> None:
    await bus.publish_many([(SUBJECTS.outgoing("d"), message(n)) for n in range(count)])


async def letters(bus: Bus) -> list[dead_letters.DeadLetter]:
    return [each async for each in dead_letters.listing(bus)]


async def pending(bus: Bus) -> tuple[int, int]:
    info = await bus.jetstream.consumer_info("t-out", "dest-d")
    return info.num_pending or 0, info.num_ack_pending or 0


async def settle_all(bus: Bus, consuming: Consuming, task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(20):
        while await pending(bus) != (0, 0):
            await asyncio.sleep(0.02)
    consuming.stop()
    await task


async def test_every_message_is_acknowledged_after_its_effect_I2(bus: Bus) -> None:
    sink = Sink()
    consuming = consume(bus, sink)
    task = asyncio.create_task(consuming.run())
    await publish(bus, 1000)
    await settle_all(bus, consuming, task)
    assert sink.effects == {f"m{n}": 1 for n in range(1000)}
    assert consuming.state == "stopped"


async def test_poison_goes_to_the_dead_letters_and_nothing_else_does_I2_I3(bus: Bus) -> None:
    def decide(key: str) -> CrossdockError | None:
        number = int(key[1:])
        if number % 50 == 1:
            problem = Problem(message="is too small", pointer="/total", keyword="minimum")
            return Reject("the data is not valid", (problem,))
        return Retry("busy") if number % 50 == 2 else None

    sink = Sink(decide)
    consuming = consume(bus, sink)
    task = asyncio.create_task(consuming.run())
    await publish(bus, 200)
    await settle_all(bus, consuming, task)
    found = await letters(bus)
    assert sorted(each.message_id for each in found) == sorted(
        f"m{n}" for n in range(200) if n % 50 in (1, 2)
    )
    assert len(sink.effects) == 192
    rejected = next(each for each in found if each.message_id == "m1")
    assert rejected.data == b'{"secret":"payload"}'
    assert rejected.cause.attempts == 1
    assert rejected.cause.problems[0].pointer == "/total"
    assert rejected.cause.where == "d"
    assert rejected.headers["ce-source"] == "/test"
    retried = next(each for each in found if each.message_id == "m2")
    assert retried.cause.attempts == 3
    assert sink.calls["m2"] == 3


async def test_a_raise_for_the_batch_is_only_the_one_message_that_causes_it(bus: Bus) -> None:
    async def before(batch: Sequence[Incoming]) -> None:
        if any(each.message().id == "m7" for each in batch):
            raise RuntimeError("bug with payload in its text")

    sink = Sink()
    sink.before = before
    consuming = consume(bus, sink)
    task = asyncio.create_task(consuming.run())
    await publish(bus, 50)
    await settle_all(bus, consuming, task)
    (letter,) = await letters(bus)
    assert letter.message_id == "m7"
    assert letter.cause.reason == "unexpected RuntimeError"
    assert len(sink.effects) == 49


async def test_a_hang_blocks_nothing_behind_it(bus: Bus) -> None:
    async def before(batch: Sequence[Incoming]) -> None:
        if any(each.message().id == "m3" for each in batch):
            await asyncio.Event().wait()

    sink = Sink()
    sink.before = before
    policy = Policy(attempts=2, delays=(Duration(0.05),), timeout=Duration(0.3))
    consuming = consume(bus, sink, policy)
    task = asyncio.create_task(consuming.run())
    await publish(bus, 50)
    await settle_all(bus, consuming, task)
    assert [each.message_id for each in await letters(bus)] == ["m3"]
    assert len(sink.effects) == 49


async def test_an_outage_makes_no_dead_letter_and_pauses_consumption(bus: Bus) -> None:
    away = True
    sink = Sink(lambda _key: Disconnected("away") if away else None)
    consuming = consume(bus, sink)
    task = asyncio.create_task(consuming.run())
    await publish(bus, 3)
    async with asyncio.timeout(30):
        while consuming.state != "paused" or max(sink.calls.values(), default=0) < 5:
            await asyncio.sleep(0.01)
    away = False
    await settle_all(bus, consuming, task)
    assert await letters(bus) == []
    assert len(sink.effects) == 3


async def test_after_its_pause_one_message_finds_out_and_not_a_batch(bus: Bus) -> None:
    down = True
    sizes: list[int] = []
    sink = Sink(lambda _key: Retry("too busy") if down else None)

    async def note(batch: Sequence[Incoming]) -> None:
        sizes.append(len(batch))

    sink.before = note
    policy = msgspec.structs.replace(FAST, attempts=100, breaker_after=1)
    consuming = consume(bus, sink, policy, lanes=2)
    await publish(bus, 300)
    task = asyncio.create_task(consuming.run())
    async with asyncio.timeout(30):
        while len(sizes) < 6:
            await asyncio.sleep(0.01)
    tried = sorted(sizes)
    down = False
    await settle_all(bus, consuming, task)
    assert tried[:4] == [1, 1, 1, 1]  # both lanes may have begun a batch before it opened
    assert len(sink.effects) == 300


async def test_what_is_refused_for_what_it_is_pauses_nothing(bus: Bus) -> None:
    policy = msgspec.structs.replace(FAST, breaker_after=1, breaker_pause=Duration(3600))
    sink = Sink(lambda _key: Reject("bad"))
    consuming = consume(bus, sink, policy, batch=1)
    await publish(bus, 40)
    task = asyncio.create_task(consuming.run())
    async with asyncio.timeout(30):
        while len(sink.calls) < 40:
            await asyncio.sleep(0.01)
    await settle_all(bus, consuming, task)
    assert len(await letters(bus)) == 40


async def test_halt_touches_no_message_and_says_why(bus: Bus) -> None:
    sink = Sink(lambda _key: Halt("table is missing"))
    consuming = consume(bus, sink)
    task = asyncio.create_task(consuming.run())
    await publish(bus, 20)
    await asyncio.wait_for(task, 10)
    assert (consuming.state, consuming.reason) == ("halted", "table is missing")
    assert await letters(bus) == []
    fixed = Sink()
    again = consume(bus, fixed)
    task = asyncio.create_task(again.run())
    await settle_all(bus, again, task)
    assert len(fixed.effects) == 20


async def test_the_dead_letter_limit_halts_before_everything_is_dead(bus: Bus) -> None:
    sink = Sink(lambda _key: Reject("no"))
    policy = Policy(dead_letter_limit=10, breaker_after=1000)
    consuming = consume(bus, sink, policy, batch=5)
    task = asyncio.create_task(consuming.run())
    await publish(bus, 100)
    await asyncio.wait_for(task, 10)
    assert consuming.state == "halted"
    assert len(await letters(bus)) <= 15


@pytest.mark.fault
async def test_a_message_that_ends_its_process_is_buried_and_its_neighbours_are_not(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    await consume(bus, Sink())._puller.ensure()
    await publish(bus, 40)
    ledger = tmp_path / "ledger"
    ends = 0
    async with asyncio.timeout(60):
        while await pending(bus) != (0, 0):
            process = await asyncio.create_subprocess_exec(
                sys.executable, PROGRAM, nats_server.url, ledger
            )
            while process.returncode is None and await pending(bus) != (0, 0):
                await asyncio.sleep(0.05)
            if process.returncode is None:
                process.kill()
            else:
                ends += 1
            await process.wait()
    (letter,) = await letters(bus)
    assert letter.message_id == "m5"
    assert letter.cause.attempts == 3
    assert set(ledger.read_text().split()) == {f"m{n}" for n in range(40)} - {"m5"}
    assert ends == 4  # once in a batch, then three times alone


async def test_stop_finishes_what_was_received_and_redelivers_almost_nothing(bus: Bus) -> None:
    sink = Sink()
    consuming = consume(bus, sink)
    task = asyncio.create_task(consuming.run())
    await publish(bus, 5000)
    await sink.until(500)
    consuming.stop()
    await asyncio.wait_for(task, 8)  # less than it may take before it gives up
    second = Sink()
    rest = consume(bus, second)
    task = asyncio.create_task(rest.run())
    await settle_all(bus, rest, task)
    assert len(sink.effects + second.effects) == 5000
    redelivered = sum((sink.calls + second.calls).values()) - 5000
    assert redelivered <= 5


async def test_a_dead_letter_is_redriven_to_the_step_that_failed(bus: Bus) -> None:
    broken = True
    sink = Sink(lambda key: Reject("no") if broken and key == "m1" else None)
    consuming = consume(bus, sink)
    task = asyncio.create_task(consuming.run())
    await publish(bus, 3)
    async with asyncio.timeout(30):
        while not (found := await letters(bus)):
            await asyncio.sleep(0.02)
    broken = False
    sent_again = redriving.again(bus, found[0], found[0].data)
    await redriving.redrive(bus, [sent_again], by="test", reason="repaired")
    await sink.until(3)
    await settle_all(bus, consuming, task)
    assert await letters(bus) == []
    again = sent_again.message
    assert sink.effects == {"m0": 1, again.id: 1, "m2": 1}
    assert again.extensions["causationid"] == "m1"
    assert again.identity == ("/test", "m1")  # an inbox knows it (I4)


async def test_what_is_new_does_not_wait_behind_what_a_crash_left(bus: Bus) -> None:
    await publish(bus, 300)
    crashed = consume(bus, Sink())._puller
    await crashed.start()
    left: set[str] = set()
    async with asyncio.timeout(30):
        while len(left) < 300:
            left.update(each.message().id for each in await crashed.next(300, 1))
    await crashed._subscription.unsubscribe()  # type: ignore[union-attr] # it has been started
    sink = Sink()

    async def slowly(batch: Sequence[Incoming]) -> None:
        if batch[0].message().id in left and not sink.effects["m1000"]:
            await asyncio.sleep(0.05)

    sink.before = slowly
    consuming = consume(bus, sink)
    task = asyncio.create_task(consuming.run())
    await sink.until(1)
    await bus.publish(SUBJECTS.outgoing("d"), message(1000))
    async with asyncio.timeout(30):
        while not sink.effects["m1000"]:
            await asyncio.sleep(0.01)
    assert len(sink.effects) < 150
    await settle_all(bus, consuming, task)
    assert set(sink.effects) == left | {"m1000"}
    assert await letters(bus) == []
