"""Decides on a batch of messages: fetches data that is elsewhere, asks what a route asks."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Final

from crossdock.contracts import CrossdockError, Message, Reject, Retry
from crossdock.contracts.expiry import EXPIRY
from crossdock.mesh.bus import ClaimChecks, Incoming
from crossdock.router.compiled import CompiledRoute
from crossdock.router.deciding import Decision, decide, deciding, expired
from crossdock.router.driving import drive_async
from crossdock.router.journal import Journals
from crossdock.router.redeeming import check_of, whole
from crossdock.router.steps.detour import Switched

_PAUSE_EVERY: Final = 0.05
_ASKING: Final = 64  # messages that ask other systems at the same time


class Decider:
    """Decides for one route."""

    def __init__(self, checks: ClaimChecks, route: CompiledRoute, journals: Journals) -> None:
        """Remember whom to ask.

        Args:
            checks: Where data is that does not travel with its message.
            route: The route.
            journals: Answers what the route asks, and what it was answered before.
        """
        self._checks = checks
        self._route = route
        self._journals = journals

    async def decisions(
        self, batch: Sequence[Incoming], detours: Switched
    ) -> AsyncGenerator[tuple[Incoming, Decision | CrossdockError, bool]]:
        """Yield what is decided for each message, in order, and whether its data is large.

        Args:
            batch: The messages.
            detours: Which detours are taken.
        """
        for check, part in self._parted(batch):
            if check:  # alone: its data leaves the memory before the next comes (I8)
                async with self._redeemed(part[0], check, detours) as found:
                    yield part[0], found, True
                continue
            async with contextlib.aclosing(self._decided(part, detours)) as decisions:
                async for incoming, decision in decisions:
                    yield incoming, decision, False

    async def _decided(
        self, batch: Sequence[Incoming], detours: Switched
    ) -> AsyncGenerator[tuple[Incoming, Decision | CrossdockError]]:
        """Yield what is decided for messages that have their data with them."""
        if not self._route.asks:
            paused = time.perf_counter()
            for each in batch:
                yield each, self._decide(each, detours)
                if not self._route.straight and time.perf_counter() - paused > _PAUSE_EVERY:
                    await asyncio.sleep(0)  # thousands of parts must not stop our signs of life
                    paused = time.perf_counter()
            return
        for first in range(0, len(batch), _ASKING):
            part = batch[first : first + _ASKING]
            decisions = await asyncio.gather(*(self._decide_asking(each, detours) for each in part))
            for each, decision in zip(part, decisions, strict=True):
                yield each, decision

    def _parted(self, batch: Sequence[Incoming]) -> list[tuple[str, Sequence[Incoming]]]:
        """Return the messages in order; one whose data is elsewhere stands alone with its check."""
        checks = [self._check_of(each) for each in batch]
        if not any(checks):
            return [("", batch)]
        parts: list[tuple[str, Sequence[Incoming]]] = []
        for check, run in itertools.groupby(zip(checks, batch, strict=True), lambda each: each[0]):
            mine = [each for _, each in run]
            parts += [(check, [each]) for each in mine] if check else [("", mine)]
        return parts

    def _check_of(self, incoming: Incoming) -> str:
        try:
            return check_of(self._route, incoming.message())
        except ValueError:
            return ""  # it is refused for that where it is decided

    @contextlib.asynccontextmanager
    async def _redeemed(
        self, incoming: Incoming, check: str, detours: Switched
    ) -> AsyncIterator[Decision | CrossdockError]:
        """Give what is decided for a message whose data has to be fetched."""
        message = incoming.message()
        own = message.extensions
        trace = own.get("traceparent", ""), own.get("tracestate", "")
        found: Decision | CrossdockError | None = self._expired(message)
        async with contextlib.AsyncExitStack() as stack:
            if found is None:
                try:
                    data = await stack.enter_async_context(self._checks.redeemed(check, trace))
                except CrossdockError as error:
                    found = error
                else:
                    found = await self._decide_whole(incoming, whole(message, data), detours)
            yield found

    async def _decide_whole(
        self, incoming: Incoming, message: Message, detours: Switched
    ) -> Decision | CrossdockError:
        try:
            if not self._route.asks:
                return decide(self._route, message, detours)
            return await drive_async(
                deciding(self._route, message, detours), self._journals.asking(incoming)
            )
        except CrossdockError as error:
            return error

    def _decide(self, incoming: Incoming, detours: Switched) -> Decision | CrossdockError:
        try:
            message = incoming.message()
            return self._expired(message) or decide(self._route, message, detours)
        except ValueError as error:
            return Reject(str(error))
        except Retry as error:
            return error

    async def _decide_asking(
        self, incoming: Incoming, detours: Switched
    ) -> Decision | CrossdockError:
        try:
            message = incoming.message()
            known = self._expired(message)
            if known is not None:
                return known
            return await drive_async(
                deciding(self._route, message, detours), self._journals.asking(incoming)
            )
        except ValueError as error:
            return Reject(str(error))
        except CrossdockError as error:
            return error

    def _expired(self, message: Message) -> Decision | None:
        if EXPIRY not in message.extensions:
            return None
        return expired(self._route, message, datetime.now(UTC))
