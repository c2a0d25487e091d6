"""Claim Check: large data is left at the door of the bus, and fetched with its check.

How data stays as long as a message needs it, and why no crash changes that, is told in
``docs/adr/0012-claim-check.md``. What is to be done here: whoever publishes a check holds its data
first; and if publishing took so long that the hold may be over, holds it once more before anybody
is told that the message is safe.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from crossdock.contracts import Message, Reject
from crossdock.contracts.claim_check import HEADER, LARGEST, ClaimCheck, checks_in
from crossdock.mesh.bus.committing import Outgoing, Published
from crossdock.mesh.bus.data_store import DataStore
from crossdock.mesh.bus.reading import Stored
from crossdock.mesh.bus.room import Room
from crossdock.mesh.fail_points import reach
from crossdock.mesh.project.settings import ClaimCheckSettings

if TYPE_CHECKING:
    from crossdock.mesh.telemetry.claim_watch import ClaimWatch, Operation, Seen, Trace

_log = logging.getLogger("crossdock.bus")

GRACE: Final = 120.0
"""Seconds for which data that was held is never removed, whoever refers to it."""
_FRESH: Final = GRACE / 4  # a hold that is younger serves for another message
_OVER: Final = GRACE / 2  # one that is older may have been too short
_REMEMBERED: Final = 10_000
_AT_ONCE: Final = 4  # data that is stored at the same time
_ROOM: Final = 64 * 1024**2
_UNTRACED: Final = ("", "")
_HEADROOM: Final = 64 * 1024  # of a message: its headers, and what a dead letter adds to them


class ClaimChecks:
    """What one process leaves and fetches.

    Attributes:
        store: Where data is kept.
        watch: What is counted and recorded; None for nothing.
        above: Bytes of the largest data that travels with its message.
        room: For what is fetched, in this process.
    """

    def __init__(self, store: DataStore, max_payload: int) -> None:
        self.store = store
        self.watch: ClaimWatch | None = None
        self._largest = max_payload - _HEADROOM
        self.configure(ClaimCheckSettings())
        self._held: OrderedDict[str, float] = OrderedDict()
        self.room = Room(_ROOM)

    def configure(self, settings: ClaimCheckSettings) -> None:
        """Keep to the settings of the mesh from now on."""
        self.above = min(int(settings.above), self._largest)
        self._most = int(settings.most)

    def concern(self, kind: str, items: Sequence[Outgoing]) -> bool:
        """Tell whether anything of what is to be stored in a stream has to do with checks."""
        if kind in ("in", "out"):
            above = self.above
            return any(len(each.data) > above or HEADER in each.headers for each in items)
        if kind == "dead":  # its message is still where it was: that keeps the data
            return any(len(each.data) > self._largest for each in items)
        return kind == "group"  # sent again: a group that may hold checks

    async def publish(
        self,
        kind: str,
        items: Sequence[Outgoing],
        publish: Callable[[Sequence[Outgoing]], Awaitable[list[Published]]],
    ) -> list[Published]:
        """Store messages with the data that they refer to, the data first.

        Args:
            kind: Of their stream.
            items: The messages.
            publish: Stores messages that are small.

        Raises:
            Disconnected: The broker does not answer.
            Retry: It has no room.
            Reject: Data is larger than the mesh takes, or what is referred to is not there.
        """
        left = [await self._leave(kind, each) for each in items]
        since = time.monotonic()
        await self._hold_all(left)
        reach("data-stored")
        published = await publish([each.item for each in left])
        if time.monotonic() - since > _OVER - _FRESH:  # it may have been removed in between
            self._held.clear()
            await self._hold_all(left)
        return published

    @asynccontextmanager
    async def redeemed(self, dataref: str, trace: Trace = _UNTRACED) -> AsyncIterator[bytes]:
        """Give the data of a check, with room for it until the end of the context.

        Args:
            dataref: The check.
            trace: ``traceparent`` and ``tracestate`` of its message.

        Raises:
            Disconnected: The broker does not answer.
            Reject: It is none of our checks, or its data is not there or not what it was.
        """
        check = _parsed(dataref)
        async with self.room.take(check.size):
            yield await self._fetched(check, trace)

    async def fetch(self, message: Message) -> Message:
        """Return a message with its data, wherever that is; see to the room before.

        Raises:
            Disconnected: The broker does not answer.
            Reject: Its data is not there, or not what it was.
        """
        if not message.dataref:
            return message
        own = message.extensions
        trace = own.get("traceparent", ""), own.get("tracestate", "")
        data = await self._fetched(_parsed(message.dataref), trace)
        return msgspec.structs.replace(message, data=data)

    async def message(self, stored: Stored) -> Message:
        """Return the message that a stream holds, with its data.

        Raises:
            Disconnected: The broker does not answer.
            Reject: Its data is not there, or not what it was.
            ValueError: It is no message.
        """
        return await self.fetch(Message.from_headers(stored.headers, stored.data))

    async def _fetched(self, check: ClaimCheck, trace: Trace) -> bytes:
        with self._watched("get", trace) as seen:
            try:
                data = await self.store.get(check)
            except Reject as error:
                extra = {"why": error.reason, "data": check.digest}
                _log.error("data cannot be fetched", extra=extra)
                raise
            seen("fetched")
        return data

    def _watched(self, operation: Operation, trace: Trace) -> AbstractContextManager[Seen]:
        if self.watch is None:
            return contextlib.nullcontext(_unseen)
        return self.watch.seeing(operation, trace)

    async def _leave(self, kind: str, item: Outgoing) -> _Left:
        """Return a message as it is published: without data that is too large for that.

        Raises:
            Reject: It refers to what is none of our checks, or its data is too large for the mesh.
        """
        if kind == "group":
            return _Left(item, tuple(checks_in(item.data)), required=False)
        known = item.headers.get(HEADER)
        if known is not None:
            return _Left(item._replace(data=b""), (_parsed(known),))
        if len(item.data) <= (self._largest if kind == "dead" else self.above):
            return _Left(item)
        most = LARGEST if kind == "dead" else self._most  # what was refused is kept all the same
        if len(item.data) > most:
            raise Reject(
                f"its data has {len(item.data)} bytes, claim_check.most of mesh.yaml allows {most}"
            )
        check = await asyncio.to_thread(ClaimCheck.of, item.data)
        headers = item.headers | {HEADER: str(check)}
        return _Left(item._replace(headers=headers, data=b""), (check,), item.data)

    async def _hold_all(self, left: Sequence[_Left]) -> None:
        slots = asyncio.Semaphore(_AT_ONCE)

        async def hold(check: ClaimCheck, by: _Left) -> None:
            async with slots:
                try:
                    await self._hold(check, by)
                except Reject:
                    if by.required:
                        raise

        checks = {check: each for each in left for check in each.checks}
        await asyncio.gather(*(hold(check, by) for check, by in checks.items()))

    async def _hold(self, check: ClaimCheck, by: _Left) -> None:
        now = time.monotonic()
        if now - self._held.get(check.digest, -GRACE) < _FRESH:
            return
        headers = by.item.headers
        trace = headers.get("ce-traceparent", ""), headers.get("ce-tracestate", "")
        with self._watched("put", trace) as seen:
            stored = await self.store.hold(check, by.data)
            seen("stored" if stored else "known")
        self._held[check.digest] = now
        self._held.move_to_end(check.digest)
        if len(self._held) > _REMEMBERED:
            self._held.popitem(last=False)
        _log.debug("data held", extra={"bytes": check.size, "stored": stored})


class _Left(msgspec.Struct, frozen=True):
    """A message as it is published, and the data that it refers to.

    Attributes:
        item: The message, small.
        checks: What it refers to.
        data: Its data, if it is left now.
        required: Whether it cannot be published without.
    """

    item: Outgoing
    checks: tuple[ClaimCheck, ...] = ()
    data: bytes | None = None
    required: bool = True

    def __repr__(self) -> str:  # I6
        return f"_Left({self.item.subject!r}, {len(self.checks)} checks)"


def _unseen(_how: str) -> None:
    """Count nothing."""


def _parsed(dataref: str) -> ClaimCheck:
    try:
        return ClaimCheck.parse(dataref)
    except ValueError as error:
        raise Reject(str(error)) from error
