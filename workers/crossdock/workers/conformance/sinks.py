"""What every sink must do: the promises of :class:`crossdock.workers.adapter.Sink`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

from crossdock.contracts import CrossdockError, Disconnected, Reject
from crossdock.workers.adapter import Delivered, Delivery, Sink
from crossdock.workers.conformance.expecting import (
    expect,
    expect_open_while_away,
    no_payload_in_logs,
)
from crossdock.workers.conformance.harness import MARK, SinkFeatures, SinkHarness

SinkCheck: TypeAlias = Callable[[SinkHarness], Awaitable[None]]

_PATIENCE = 30.0  # seconds for one batch


def sink_checks(features: SinkFeatures) -> tuple[SinkCheck, ...]:
    """Return the checks for a sink that declares these features."""
    once: tuple[SinkCheck, ...] = (
        the_same_id_twice_has_one_effect,
        a_repeated_id_beside_a_new_one_has_one_effect,
        a_restart_remembers_what_was_delivered,
        a_cancelled_batch_delivered_again_has_one_effect,
    )
    return (
        close_is_safe_without_open_and_twice,
        an_empty_batch_is_nothing,
        a_batch_is_delivered,
        delivering_goes_on_after_reopening,
        no_payload_is_in_logs_or_reprs,
        *((order_is_kept,) if features.ordered else ()),
        *(once if features.effect_once else ()),
        *((one_refused_message_holds_up_no_other,) if features.can_refuse else ()),
        *((an_unreachable_system_is_disconnected,) if features.can_disconnect else ()),
    )


async def close_is_safe_without_open_and_twice(harness: SinkHarness) -> None:
    """Close without open, twice; and twice after open."""
    sink = harness.make()
    await sink.close()
    await sink.close()
    await sink.open()
    await sink.close()
    await sink.close()


async def an_empty_batch_is_nothing(harness: SinkHarness) -> None:
    """No deliveries, no results, no effect."""
    async with _opened(harness) as sink:
        results = await sink.deliver([])
        expect(len(results) == 0, "an empty batch has no results", results)
        expect(await harness.effects() == [], "an empty batch has no effect")


async def a_batch_is_delivered(harness: SinkHarness) -> None:
    """Each message has its effect, which is there when deliver returns."""
    async with _opened(harness) as sink:
        await _deliver(harness, sink, range(20))
        effects = await harness.effects()
        expect(sorted(effects) == list(range(20)), "each message has its effect", effects)


async def order_is_kept(harness: SinkHarness) -> None:
    """The effects are in the order of the batches and in them."""
    async with _opened(harness) as sink:
        for start in (0, 10, 20):
            await _deliver(harness, sink, range(start, start + 10))
        effects = await harness.effects()
        expect(effects == list(range(30)), "effects are in order", effects)


async def the_same_id_twice_has_one_effect(harness: SinkHarness) -> None:
    """The same batch again counts as done, without a second effect (I4)."""
    async with _opened(harness) as sink:
        await _deliver(harness, sink, range(10))
        await _deliver(harness, sink, range(10))
        await _expect_once(harness, 10)


async def a_repeated_id_beside_a_new_one_has_one_effect(harness: SinkHarness) -> None:
    """Old ids, new ids and one id twice in one batch: one effect each (I4)."""
    async with _opened(harness) as sink:
        await _deliver(harness, sink, [0, 1])
        await _deliver(harness, sink, [1, 2, 2, 0, 3])
        await _expect_once(harness, 4)


async def a_restart_remembers_what_was_delivered(harness: SinkHarness) -> None:
    """A new sink on the same system has no second effect for what the first delivered (I4)."""
    async with _opened(harness) as sink:
        await _deliver(harness, sink, range(5))
    async with _opened(harness) as sink:
        await _deliver(harness, sink, range(8))
        await _expect_once(harness, 8)


async def a_cancelled_batch_delivered_again_has_one_effect(harness: SinkHarness) -> None:
    """Cancel a batch at many moments, deliver it again: one effect each (I4)."""
    async with _opened(harness) as sink:
        for moment in range(8):
            numbers = range(moment * 10, moment * 10 + 10)
            batch = [harness.delivery(number) for number in numbers]
            busy = asyncio.ensure_future(sink.deliver(batch))
            await asyncio.wait([busy], timeout=0.001 * moment)
            busy.cancel()
            await asyncio.wait([busy])
            await _deliver(harness, sink, numbers)
        await _expect_once(harness, 80)


async def delivering_goes_on_after_reopening(harness: SinkHarness) -> None:
    """Close, open, deliver: as after `Disconnected`."""
    async with _opened(harness) as sink:
        await _deliver(harness, sink, range(3))
        await sink.close()
        await sink.open()
        await _deliver(harness, sink, range(3, 6))
        effects = await harness.effects()
        expect(sorted(effects) == list(range(6)), "delivering goes on after reopening", effects)


async def one_refused_message_holds_up_no_other(harness: SinkHarness) -> None:
    """A message that can never be delivered is `Reject`; those around it are delivered."""
    async with _opened(harness) as sink:
        batch = [harness.delivery(0), harness.refused(), harness.delivery(1)]
        with no_payload_in_logs():
            results = await _results(sink, batch)
        kinds = [type(result).__name__ for result in results]
        expect(kinds == ["NoneType", "Reject", "NoneType"], "only the refused is Reject", kinds)
        refusal = results[1]
        expect(isinstance(refusal, Reject) and refusal.reason, "a refusal says why")
        expect(MARK not in f"{refusal!r}{refusal.__dict__!r}", "no error holds a payload")
        effects = await harness.effects()
        expect(sorted(effects) == [0, 1], "a refused message holds up no other", effects)


async def no_payload_is_in_logs_or_reprs(harness: SinkHarness) -> None:
    """Whatever is logged or shown on the way holds no payload (I6)."""
    with no_payload_in_logs():
        async with _opened(harness) as sink:
            await _deliver(harness, sink, range(3))
            expect(MARK not in repr(sink), "no repr holds a payload")


async def an_unreachable_system_is_disconnected(harness: SinkHarness) -> None:
    """Cut: `Disconnected` and nothing else. Healed: open again, and it delivers."""
    async with _opened(harness) as sink:
        await _deliver(harness, sink, [0])
        await harness.cut()
        results = await _results(sink, [harness.delivery(1), harness.delivery(2)])
        away = [isinstance(result, Disconnected) for result in results]
        expect(all(away), "an unreachable system is Disconnected", results)
        expect(MARK not in repr(results), "no error holds a payload")
        await sink.close()
        await expect_open_while_away(sink.open)
        await sink.close()
        await harness.heal()
        await sink.open()
        await _deliver(harness, sink, [1, 2])
        effects = await harness.effects()
        expect(sorted(set(effects)) == [0, 1, 2], "after healing it delivers", effects)


async def _results(sink: Sink, batch: Sequence[Delivery]) -> list[Delivered]:
    """Deliver; what is raised speaks for the whole batch."""
    try:
        results = list(await asyncio.wait_for(sink.deliver(batch), _PATIENCE))
    except CrossdockError as error:
        return [error] * len(batch)
    expect(len(results) == len(batch), "there is one result for each delivery", len(results))
    return results


async def _deliver(harness: SinkHarness, sink: Sink, numbers: Sequence[int]) -> None:
    batch = [harness.delivery(number) for number in numbers]
    results = await _results(sink, batch)
    failed = [result for result in results if result is not None]
    expect(not failed, "good messages are delivered", failed[:1])


async def _expect_once(harness: SinkHarness, count: int) -> None:
    effects = await harness.effects()
    expect(sorted(effects) == list(range(count)), "each message has its effect once", effects)


@asynccontextmanager
async def _opened(harness: SinkHarness) -> AsyncIterator[Sink]:
    sink = harness.make()
    try:
        await sink.open()
        yield sink
    finally:
        await sink.close()
