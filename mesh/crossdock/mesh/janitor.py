"""The janitor: makes room in the message streams, and never at the cost of what is unread (I8).

What every consumer has acknowledged is history, kept for replay. History older than the mesh wants
goes; when a stream is nearly full, the oldest history goes earlier. What somebody has still to read
stays, also when the stream is full: then the door says 503.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from nats.errors import Error as NatsError

from crossdock.contracts import CrossdockError
from crossdock.mesh.bus import Bus, ConsumerState
from crossdock.mesh.bus.claim_checks import GRACE
from crossdock.mesh.data_sweep import DataSweep
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import DATA_SHARE
from crossdock.mesh.telemetry import DataMetrics

_log = logging.getLogger("crossdock.janitor")

EVERY = 30.0
_SOON = 2.0
_HIGH_WATER = 0.8
_LOW_WATER = 0.7


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """How full a stream is.

    Attributes:
        first: First sequence that is there.
        last: Last sequence that is there.
        messages: How many are there.
        size: Their bytes.
        bound: Bytes that the stream may hold.
    """

    first: int
    last: int
    messages: int
    size: int
    bound: int


def keep_from(fill: Fill, read: int, aged: int, share: float = 0.0) -> int:
    """Return the first sequence to keep.

    Args:
        fill: How full the stream is.
        read: Up to where every consumer has acknowledged.
        aged: Up to where messages are older than the history that is kept.
        share: How much of the stream has to go for another reason, 0 to 1.
    """
    surplus = fill.first + int(share * fill.messages) if share else 0
    if fill.size > _HIGH_WATER * fill.bound and fill.messages:
        excess = fill.size - _LOW_WATER * fill.bound
        surplus = max(surplus, fill.first + int(excess * fill.messages / fill.size))
    return min(read, max(aged, surplus)) + 1


def read_up_to(last: int, consumers: Sequence[ConsumerState]) -> int:
    """Return up to where every consumer has acknowledged.

    Args:
        last: Last sequence of the stream, asked before the consumers were.
        consumers: All consumers of the stream.
    """
    behind = [each.floor for each in consumers if each.lag]
    return min([last, *behind])


class Janitor:
    """Looks after the streams of one mesh; several janitors may, that does no harm."""

    def __init__(
        self, bus: Bus, settings: BrokerSettings, metrics: DataMetrics | None = None
    ) -> None:
        self._bus = bus
        self._sweep = DataSweep(bus, metrics)
        self._history = timedelta(seconds=settings.history)
        self._bound = int(settings.max_bytes)
        self._nearly_full: set[str] = set()
        self._floors: dict[str, int] = {}

    async def run(self) -> None:
        """Clean now and then until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._clean_streams())
            tasks.create_task(self._clean_data())  # it may read much, and holds nobody up

    async def _clean_streams(self) -> None:
        while True:
            for kind in ("in", "out", "group"):
                try:
                    await (self.clean_groups() if kind == "group" else self.clean(kind))
                except (NatsError, CrossdockError) as error:
                    _log.info("not cleaned", extra={"stream": kind, "why": type(error).__name__})
            await asyncio.sleep(_SOON if self._nearly_full else EVERY)

    async def _clean_data(self) -> None:
        while True:
            try:
                await self.clean_data()
            except (NatsError, CrossdockError) as error:
                _log.info("not cleaned", extra={"stream": "data", "why": type(error).__name__})
            await asyncio.sleep(GRACE)

    async def clean_data(self) -> None:
        """Remove data that no message needs; make room for more when there is little left.

        Data goes with the messages that refer to it. So when it fills its stream, the same share
        of the history of both message streams goes earlier.

        Raises:
            NatsError: The broker does not answer.
            CrossdockError: The same.
        """
        data = await self._bus.extent("data")
        bound = self._bound // DATA_SHARE
        if data.size > _HIGH_WATER * bound:
            share = 1 - _LOW_WATER * bound / data.size
            for kind in ("in", "out"):
                await self.clean(kind, share)
        await self._sweep.sweep()

    async def clean(self, kind: str, share: float = 0.0) -> int:
        """Remove from one stream what may go; return the first sequence that was kept.

        Args:
            kind: The stream.
            share: How much of its history has to go though the stream itself has room, 0 to 1.

        Raises:
            NatsError: The broker does not answer.
            Disconnected: The same.
        """
        jetstream = self._bus.jetstream
        stream = self._bus.subjects.stream(kind)
        state = (await jetstream.stream_info(stream)).state
        if not state.messages:
            self._nearly_full.discard(kind)
            return state.first_seq
        fill = Fill(
            first=state.first_seq,
            last=state.last_seq,
            messages=state.messages,
            size=state.bytes,
            bound=self._bound,
        )
        if fill.size > _HIGH_WATER * fill.bound:  # someone may wait for room
            self._nearly_full.add(kind)
        else:
            self._nearly_full.discard(kind)
        consumers = await self._bus.consumers(kind)
        if kind == "in" and not consumers:  # the first routes take what was accepted before them
            return state.first_seq
        read = read_up_to(state.last_seq, consumers)
        if kind == "out":
            read = min(read, await self._before_unclaimed(consumers))
        keep = keep_from(fill, read, await self._aged(kind, state.last_seq), share)
        if keep > state.first_seq:
            await jetstream.purge_stream(stream, seq=keep)
            _log.info("history removed", extra={"stream": stream, "kept_from": keep})
        return max(keep, state.first_seq)

    async def clean_groups(self) -> int:
        """Remove what consumers of the stream of groups have settled; return how much that was.

        Raises:
            NatsError: The broker does not answer.
            Disconnected: The same.
        """
        stream = self._bus.subjects.stream("group")
        before = (await self._bus.jetstream.stream_info(stream)).state.messages
        for each in await self._bus.consumers("group"):
            if each.floor > self._floors.get(each.name, 0):
                for subject in each.filters:
                    await self._bus.jetstream.purge_stream(
                        stream, seq=each.floor + 1, subject=subject
                    )
                self._floors[each.name] = each.floor
        return before - (await self._bus.jetstream.stream_info(stream)).state.messages

    async def _aged(self, kind: str, last: int) -> int:
        """Return the last sequence that is older than the history to keep."""
        async for stored in self._bus.read(kind, since=datetime.now(UTC) - self._history):
            return stored.sequence - 1
        return last

    async def _before_unclaimed(self, consumers: Sequence[ConsumerState]) -> int:
        """Return the last sequence before a message whose destination has no consumer yet."""
        claimed = {subject for each in consumers for subject in each.filters}
        stream = self._bus.subjects.stream("out")
        state = (await self._bus.jetstream.stream_info(stream, subjects_filter=">")).state
        before = state.last_seq
        for subject in set(state.subjects or {}) - claimed:
            async for stored in self._bus.read("out", subject=subject):
                before = min(before, stored.sequence - 1)
                break
        return before
