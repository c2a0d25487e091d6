"""Answers that may be used again for a while, and questions that are being asked already."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from crossdock.mesh.expression import Json

MOST: Final = 1024
"""Answers that are kept for one client; those not used for longest go first (I8)."""


class Cache:
    """The answers of one client, by question."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start empty.

        Args:
            clock: Seconds, of any beginning.
        """
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, Json]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Json]] = {}

    async def get(self, key: bytes, keep: float, ask: Callable[[], Awaitable[Json]]) -> Json:
        """Return a kept answer, or that of one question for all who want it at the same time.

        Args:
            key: The question.
            keep: Seconds for which its answer may be used again.
            ask: Asks it.

        Raises:
            CrossdockError: As ``ask``; a failure is not kept.
        """
        kept = self._kept.get(key)
        if kept is not None and kept[0] > self._clock():
            self._kept.move_to_end(key)
            return kept[1]
        task = self._asking.get(key)
        if task is None:
            task = asyncio.create_task(self._ask(key, keep, ask))
            task.add_done_callback(_noticed)
            self._asking[key] = task
        # One who gives up waiting must not take the answer away from the others.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Give up the questions that nobody waits for any more. Safe twice."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, key: bytes, keep: float, ask: Callable[[], Awaitable[Json]]) -> Json:
        try:
            answer = await ask()
        finally:
            self._asking.pop(key, None)
        self._kept[key] = (self._clock() + keep, answer)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return answer


def _noticed(task: asyncio.Task[Json]) -> None:
    """Look at a failure that nobody may be waiting for any more."""
    if not task.cancelled():
        task.exception()
