"""The kit itself: it passes what conforms, and each way to break a promise turns it red."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import pytest

from crossdock.contracts import CrossdockError, Disconnected, Reject, Retry
from crossdock.workers.adapter import Delivery, Received
from crossdock.workers.conformance import (
    MARK,
    NotConforming,
    SinkFeatures,
    SourceFeatures,
    sink_checks,
    source_checks,
)


class _System:
    """A queue and a list of effects, which a source and a sink connect."""

    def __init__(self) -> None:
        self.queue: list[int] = []
        self.effects: list[int] = []
        self.inbox: set[str] = set()
        self.away = False

    def reach(self) -> None:
        if self.away:
            raise Disconnected("away")


class _GoodSource:
    def __init__(self, system: _System, batch: int) -> None:
        self.system, self.batch, self.given = system, batch, 0

    async def open(self) -> None:
        self.system.reach()
        self.given = 0

    async def receive(self) -> Sequence[Received]:
        self.system.reach()
        if self.given >= len(self.system.queue):
            await asyncio.sleep(0.001)
        numbers = self.system.queue[self.given :][: self.batch]
        self.given += len(numbers)
        return [self.thing(number) for number in numbers]

    def thing(self, number: int) -> Received:
        return Received(
            value=number,
            raw=f"{number} {MARK}".encode(),
            id=str(number),
            place="here",
            token=number,
        )

    async def acknowledge(self, received: Sequence[Received]) -> None:
        del self.system.queue[: len(received)]
        self.given -= len(received)

    async def close(self) -> None:
        self.given = 0


class _Forgets(_GoodSource):
    async def receive(self) -> Sequence[Received]:
        things = await super().receive()
        await super().acknowledge(things)
        return things

    async def acknowledge(self, received: Sequence[Received]) -> None:
        pass


class _NewIds(_GoodSource):
    count = 0

    def thing(self, number: int) -> Received:
        _NewIds.count += 1
        return Received(
            value=number, raw=MARK.encode(), id=str(self.count), place="here", token=number
        )


class _NeverAcknowledges(_GoodSource):
    async def acknowledge(self, received: Sequence[Received]) -> None:
        pass


class _AcknowledgesAll(_GoodSource):
    async def acknowledge(self, received: Sequence[Received]) -> None:
        if received:
            self.system.queue.clear()


class _LosesOnCancel(_GoodSource):
    async def receive(self) -> Sequence[Received]:
        things = await super().receive()
        await asyncio.sleep(0.001)
        return things


class _TooMany(_GoodSource):
    def __init__(self, system: _System, batch: int) -> None:
        super().__init__(system, batch + 1)


class _Blocks(_GoodSource):
    async def receive(self) -> Sequence[Received]:
        while not (things := await super().receive()):
            pass
        return things


class _Tells(_GoodSource):
    def thing(self, number: int) -> Received:
        logging.getLogger("crossdock.test").debug("got %s", MARK)
        return super().thing(number)


class _OtherError(_GoodSource):
    async def open(self) -> None:
        if self.system.away:
            raise ConnectionRefusedError
        await super().open()


class _Backwards(_GoodSource):
    async def receive(self) -> Sequence[Received]:
        return list(reversed(await super().receive()))


class _SourceHarness:
    features = SourceFeatures()
    system: _System

    def __init__(self, kind: Callable[[_System, int], Any]) -> None:
        self.system, self.kind = _System(), kind

    def make(self, batch: int) -> Any:  # noqa: ANN401 - a source, sound or not
        return self.kind(self.system, batch)

    async def put(self, numbers: Sequence[int]) -> None:
        self.system.queue.extend(numbers)

    def number(self, received: Received) -> int:
        return int(received.value)

    async def cut(self) -> None:
        self.system.away = True

    async def heal(self) -> None:
        self.system.away = False


class _GoodSink:
    def __init__(self, system: _System) -> None:
        self.system = system

    async def open(self) -> None:
        self.system.reach()

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[CrossdockError | None]:
        self.system.reach()
        await asyncio.sleep(0.001)
        return [self.one(delivery) for delivery in deliveries]

    def one(self, delivery: Delivery) -> CrossdockError | None:
        if delivery.value[0] < 0:
            return Reject("below nothing")
        if delivery.id not in self.system.inbox:
            self.system.inbox.add(delivery.id)
            self.system.effects.append(delivery.value[0])
        return None

    async def close(self) -> None:
        pass


class _NoInbox(_GoodSink):
    def one(self, delivery: Delivery) -> CrossdockError | None:
        self.system.inbox.clear()
        return super().one(delivery)


class _OutOfOrder(_GoodSink):
    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[CrossdockError | None]:
        return list(reversed(await super().deliver(deliveries[::-1])))


class _RejectsTheBatch(_GoodSink):
    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[CrossdockError | None]:
        if any(delivery.value[0] < 0 for delivery in deliveries):
            raise Reject("one of them")
        return await super().deliver(deliveries)


class _ShowsPayload(_GoodSink):
    def one(self, delivery: Delivery) -> CrossdockError | None:
        return Reject(f"bad: {delivery.value}") if delivery.value[0] < 0 else super().one(delivery)


class _RetriesWhenAway(_GoodSink):
    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[CrossdockError | None]:
        if self.system.away:
            return [Retry("away")] * len(deliveries)
        return await super().deliver(deliveries)


class _ForgetsToAnswer(_GoodSink):
    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[CrossdockError | None]:
        return (await super().deliver(deliveries))[:1]


class _SinkHarness:
    features: ClassVar = SinkFeatures()

    def __init__(self, kind: type[_GoodSink]) -> None:
        self.system, self.kind = _System(), kind

    def make(self) -> _GoodSink:
        return self.kind(self.system)

    def delivery(self, number: int) -> Delivery:
        return Delivery(id=str(number), value=(number, MARK), type="a.b.c")

    def refused(self) -> Delivery:
        return Delivery(id="bad", value=(-1, MARK), type="a.b.c")

    async def effects(self) -> list[int]:
        return list(self.system.effects)

    async def cut(self) -> None:
        self.system.away = True

    async def heal(self) -> None:
        self.system.away = False


async def _broken_promises(
    harness: Callable[[], Any], checks: Sequence[Callable[..., Any]]
) -> set[str]:
    broken = set()
    for check in checks:
        try:
            await check(harness())
        except NotConforming:
            broken.add(check.__name__)
    return broken


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crossdock.workers.conformance.sources._PATIENCE", 0.1)
    monkeypatch.setattr("crossdock.workers.conformance.sources._ABOUT_A_SECOND", 0.1)


@pytest.mark.parametrize(
    ("kind", "promise"),
    [
        (_GoodSource, None),
        (_Forgets, "what_was_not_acknowledged_comes_again_after_reopening"),
        (_NewIds, "a_thing_received_again_has_the_same_id"),
        (_NeverAcknowledges, "only_the_acknowledged_head_stays_away"),
        (_AcknowledgesAll, "a_restart_receives_what_was_not_acknowledged"),
        (_LosesOnCancel, "cancelling_a_busy_receive_loses_nothing"),
        (_TooMany, "receive_returns_at_most_a_batch"),
        (_Blocks, "an_idle_receive_returns_empty_within_about_a_second"),
        (_Tells, "no_payload_is_in_logs_or_reprs"),
        (_OtherError, "an_unreachable_system_is_disconnected"),
        (_Backwards, "order_is_kept"),
    ],
)
async def test_each_way_for_a_source_to_break_a_promise_turns_its_check_red(
    kind: type[_GoodSource], promise: str | None
) -> None:
    broken = await _broken_promises(lambda: _SourceHarness(kind), source_checks(SourceFeatures()))
    assert promise in broken if promise else not broken


@pytest.mark.parametrize(
    ("kind", "promise"),
    [
        (_GoodSink, None),
        (_NoInbox, "the_same_id_twice_has_one_effect"),
        (_NoInbox, "a_restart_remembers_what_was_delivered"),
        (_OutOfOrder, "order_is_kept"),
        (_RejectsTheBatch, "one_refused_message_holds_up_no_other"),
        (_ShowsPayload, "one_refused_message_holds_up_no_other"),
        (_RetriesWhenAway, "an_unreachable_system_is_disconnected"),
        (_ForgetsToAnswer, "a_batch_is_delivered"),
    ],
)
async def test_each_way_for_a_sink_to_break_a_promise_turns_its_check_red(
    kind: type[_GoodSink], promise: str | None
) -> None:
    broken = await _broken_promises(lambda: _SinkHarness(kind), sink_checks(SinkFeatures()))
    assert promise in broken if promise else not broken


def test_what_is_not_offered_is_not_checked() -> None:
    nothing = SourceFeatures(
        ordered=False, stable_ids=False, survives_restart=False, can_disconnect=False
    )
    assert len(source_checks(nothing)) == len(source_checks(SourceFeatures())) - 4
