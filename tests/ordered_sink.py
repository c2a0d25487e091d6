"""A sink that keeps what came in its order, and its ordered loop, for tests."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence

from crossdock.contracts import CrossdockError, Message, Subjects
from crossdock.mesh.bus import Bus, ConsumerSpec, Incoming
from crossdock.mesh.component import Component
from crossdock.mesh.ordering import OrderedConsuming, OrderKey, stop_at_first
from crossdock.mesh.project.scalars import Duration
from crossdock.mesh.project.settings import Policy

SUBJECTS = Subjects("t")
FAST = Policy(
    attempts=4,
    delays=(Duration(0.05),),
    timeout=Duration(5),
    breaker_after=1000,
    breaker_pause=Duration(0.2),
)
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

    def __init__(self, decide: Decide = lambda _id, _attempt: None, *, runs: bool = False) -> None:
        self.decide = decide
        self.runs = runs
        self.largest = 0
        self.calls: Counter[str] = Counter()
        self.effects: dict[str, list[int]] = defaultdict(list)
        self.order: list[str] = []
        self.before: Callable[[Sequence[Incoming]], Awaitable[None]] | None = None

    async def __call__(self, batch: Sequence[Incoming]) -> Sequence[CrossdockError | None]:
        keys = [each.message().extensions.get("partitionkey") for each in batch]
        self.largest = max(self.largest, len(batch))
        assert self.runs or len(set(keys)) == len(keys), "a key is there twice at a time"
        if self.before is not None:
            await self.before(batch)
        if self.runs:
            stop_at_first([self.decide(each.message().id, 1) for each in batch])
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


def ordered(
    bus: Bus, sink: Sink, policy: Policy = FAST, spec: ConsumerSpec = SPEC
) -> OrderedConsuming:
    key = OrderKey().of_incoming
    component = Component(
        kind="destination", name="d", policy=policy, batch=50, key=key, runs=sink.runs
    )
    return OrderedConsuming(bus, component, spec, sink, lambda _event, _count: None)


async def publish(bus: Bus, keys: Sequence[str], count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        await bus.publish_many([("t.out.d", message(key, number)) for key in keys])


async def stop(consuming: OrderedConsuming, task: asyncio.Task[None]) -> None:
    consuming.stop()
    await task
