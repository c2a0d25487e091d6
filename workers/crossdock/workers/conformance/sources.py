"""What every source must do: the promises of :class:`crossdock.workers.adapter.Source`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

from crossdock.contracts import Disconnected
from crossdock.workers.adapter import Received, Source
from crossdock.workers.conformance.expecting import (
    expect,
    expect_open_while_away,
    no_payload_in_logs,
)
from crossdock.workers.conformance.harness import MARK, SourceFeatures, SourceHarness

SourceCheck: TypeAlias = Callable[[SourceHarness], Awaitable[None]]

_BATCH = 100
_PATIENCE = 10.0  # seconds for things to arrive
_ABOUT_A_SECOND = 3.0  # what "waits at most about a second" may be on a loaded machine
_IDLE_ROUNDS = 2  # empty receives after which nothing more is expected


def source_checks(features: SourceFeatures) -> tuple[SourceCheck, ...]:
    """Return the checks for a source that declares these features."""
    return (
        close_is_safe_without_open_and_twice,
        everything_is_received_with_its_bytes_and_place,
        an_idle_receive_returns_empty_within_about_a_second,
        receive_returns_at_most_a_batch,
        what_was_not_acknowledged_comes_again_after_reopening,
        only_the_acknowledged_head_stays_away,
        cancelling_an_idle_receive_loses_nothing,
        cancelling_a_busy_receive_loses_nothing,
        no_payload_is_in_logs_or_reprs,
        *((order_is_kept,) if features.ordered else ()),
        *((a_thing_received_again_has_the_same_id,) if features.stable_ids else ()),
        *((a_restart_receives_what_was_not_acknowledged,) if features.survives_restart else ()),
        *((an_unreachable_system_is_disconnected,) if features.can_disconnect else ()),
    )


async def close_is_safe_without_open_and_twice(harness: SourceHarness) -> None:
    """Close without open, twice; and twice after open."""
    source = harness.make(_BATCH)
    await source.close()
    await source.close()
    await source.open()
    await source.close()
    await source.close()


async def everything_is_received_with_its_bytes_and_place(harness: SourceHarness) -> None:
    """Each thing comes once, readable, with its original bytes and where it came from."""
    async with _opened(harness) as source:
        await harness.put(range(20))
        things = await _collect(source, 20)
        numbers = _numbers(harness, things)
        expect(sorted(numbers) == list(range(20)), "each thing is received once", numbers)
        broken = [thing.error for thing in things if thing.error is not None]
        expect(not broken, "a good thing has no error", broken[:1])
        expect(all(thing.raw for thing in things), "`raw` holds the original bytes")
        expect(all(thing.place for thing in things), "`place` says where it came from")


async def order_is_kept(harness: SourceHarness) -> None:
    """Things come in the order in which they were put, and keep it when they come again."""
    async with _opened(harness) as source:
        await harness.put(range(20))
        first = _numbers(harness, await _collect(source, 20))
        expect(first == list(range(20)), "things come in order", first)
        await _reopen(source)
        again = _numbers(harness, await _collect(source, 20))
        expect(again == first, "the order is the same when they come again", again)


async def an_idle_receive_returns_empty_within_about_a_second(harness: SourceHarness) -> None:
    """With nothing there, receive neither blocks nor spins: it returns an empty sequence."""
    async with _opened(harness) as source:
        try:
            things = await asyncio.wait_for(source.receive(), _ABOUT_A_SECOND)
        except TimeoutError:
            things = None
        expect(things is not None, "receive waits at most about a second")
        expect(not things, "receive returns empty when nothing came in")


async def receive_returns_at_most_a_batch(harness: SourceHarness) -> None:
    """The worker's batch bounds what one receive returns (I8)."""
    source = harness.make(3)
    try:
        await source.open()
        await harness.put(range(8))
        numbers: list[int] = []
        while things := await _some(source):
            expect(len(things) <= 3, "receive returns at most `batch` things", len(things))  # noqa: PLR2004 - the batch above
            numbers += _numbers(harness, things)
            await source.acknowledge(things)
            if len(numbers) >= 8:  # noqa: PLR2004 - the eight that were put
                break
        expect(sorted(numbers) == list(range(8)), "each thing is received once", numbers)
    finally:
        await source.close()


async def what_was_not_acknowledged_comes_again_after_reopening(harness: SourceHarness) -> None:
    """Close without acknowledge, open: everything is there again."""
    async with _opened(harness) as source:
        await harness.put(range(10))
        await _collect(source, 10)
        await _reopen(source)
        again = _numbers(harness, await _collect(source, 10))
        expect(sorted(again) == list(range(10)), "what was not acknowledged comes again", again)


async def a_thing_received_again_has_the_same_id(harness: SourceHarness) -> None:
    """Ids are stable over redelivery and differ between things (I4)."""
    async with _opened(harness) as source:
        await harness.put(range(10))
        first = _ids(harness, await _collect(source, 10))
        expect(len(set(first.values())) == len(first), "different things have different ids")
        expect(None not in first.values(), "each thing has an id")
        await _reopen(source)
        again = _ids(harness, await _collect(source, 10))
        expect(again == first, "a thing received again has the same id")


async def only_the_acknowledged_head_stays_away(harness: SourceHarness) -> None:
    """Acknowledge a prefix: exactly the rest comes again; then the rest: nothing does."""
    async with _opened(harness) as source:
        await harness.put(range(10))
        things = await _collect(source, 10)
        await source.acknowledge(things[:4])
        await _reopen(source)
        rest = await _collect(source, 6)
        numbers = _numbers(harness, [*things[:4], *rest])
        expect(sorted(numbers) == list(range(10)), "what was acknowledged stays away", numbers)
        await source.acknowledge(rest)
        await _reopen(source)
        more = _numbers(harness, await _rest(source))
        expect(not more, "after everything was acknowledged nothing comes again", more)


async def a_restart_receives_what_was_not_acknowledged(harness: SourceHarness) -> None:
    """A second source, after the first one was closed, goes on where that one stopped."""
    async with _opened(harness) as source:
        await harness.put(range(10))
        things = await _collect(source, 10)
        await source.acknowledge(things[:7])
    async with _opened(harness) as source:
        rest = await _collect(source, 3)
        numbers = _numbers(harness, [*things[:7], *rest])
        expect(sorted(numbers) == list(range(10)), "a restart goes on where it stopped", numbers)


async def cancelling_an_idle_receive_loses_nothing(harness: SourceHarness) -> None:
    """Cancel a receive that waits, then put: everything is received."""
    async with _opened(harness) as source:
        waiting = asyncio.ensure_future(source.receive())
        await asyncio.wait([waiting], timeout=0.05)
        await _cancel(waiting)
        await harness.put(range(5))
        numbers = _numbers(harness, await _collect(source, 5))
        expect(sorted(numbers) == list(range(5)), "cancelling receive loses nothing", numbers)


async def cancelling_a_busy_receive_loses_nothing(harness: SourceHarness) -> None:
    """Cancel receives at many moments while things are there: none is lost or comes twice."""
    async with _opened(harness) as source:
        await harness.put(range(20))
        got: list[Received] = []
        for delay in range(12):
            busy = asyncio.ensure_future(source.receive())
            await asyncio.wait([busy], timeout=0.0005 * delay)
            got += await _cancel(busy)
        got += await _collect(source, 20 - len(got))
        numbers = _numbers(harness, got)
        expect(sorted(numbers) == list(range(20)), "cancelling receive loses nothing", numbers)


async def no_payload_is_in_logs_or_reprs(harness: SourceHarness) -> None:
    """Whatever is logged or shown on the way holds no payload (I6)."""
    with no_payload_in_logs():
        async with _opened(harness) as source:
            await harness.put(range(3))
            things = await _collect(source, 3)
            held = all(MARK.encode() in thing.raw for thing in things)
            expect(held, "the harness puts MARK into each payload")
            shown = f"{source!r} {things!r} {[thing.token for thing in things]!r}"
            expect(MARK not in shown, "no repr holds a payload")
            await source.acknowledge(things)
            shown = repr(source)
            expect(MARK not in shown, "no repr holds a payload")


async def an_unreachable_system_is_disconnected(harness: SourceHarness) -> None:
    """Cut: `Disconnected` and nothing else. Healed: open again, and everything is received."""
    async with _opened(harness) as source:
        await harness.put(range(5))
        await harness.cut()
        found = await _failure_of(source)
        expect(isinstance(found, Disconnected), "an unreachable system is Disconnected", found)
        expect(MARK not in repr(found), "no error holds a payload")
        await source.close()
        await expect_open_while_away(source.open)
        await source.close()
        await harness.heal()
        await source.open()
        numbers = _numbers(harness, await _collect(source, 5))
        expect(sorted(numbers) == list(range(5)), "after healing all is received", numbers)


async def _failure_of(source: Source) -> Exception | None:
    """Receive until it fails, then open until that fails, too."""
    try:
        async with asyncio.timeout(_PATIENCE):
            while True:
                things = await source.receive()
                await source.acknowledge(things[:0])
                await source.close()
                await source.open()
    except Exception as error:  # noqa: BLE001 - a check must see any error, to say which it was
        return error


async def _cancel(task: asyncio.Future[Sequence[Received]]) -> list[Received]:
    """Cancel a receive; return what it had received before that."""
    task.cancel()
    await asyncio.wait([task])
    return [] if task.cancelled() else list(task.result())


async def _reopen(source: Source) -> None:
    await source.close()
    await source.open()


@asynccontextmanager
async def _opened(harness: SourceHarness) -> AsyncIterator[Source]:
    source = harness.make(_BATCH)
    try:
        await source.open()
        yield source
    finally:
        await source.close()


async def _some(source: Source) -> list[Received]:
    """Receive until something came; empty when nothing does in time."""
    try:
        async with asyncio.timeout(_PATIENCE):
            while True:
                if things := await source.receive():
                    return list(things)
                await asyncio.sleep(0)  # a source that never waits must not hang its check
    except TimeoutError:
        return []


async def _collect(source: Source, count: int) -> list[Received]:
    """Receive until `count` things came, or none more does in time."""
    things: list[Received] = []
    while len(things) < count and (more := await _some(source)):
        things += more
    return things


async def _rest(source: Source) -> list[Received]:
    """Receive until the source has been idle for a while."""
    things: list[Received] = []
    for _ in range(_IDLE_ROUNDS):
        with suppress(TimeoutError):
            things += await asyncio.wait_for(source.receive(), _PATIENCE)
    return things


def _numbers(harness: SourceHarness, things: list[Received]) -> list[int]:
    return [harness.number(thing) for thing in things]


def _ids(harness: SourceHarness, things: list[Received]) -> dict[int, str | None]:
    return {harness.number(thing): thing.id for thing in things}
