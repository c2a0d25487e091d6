"""Rounds: one task that visits many now and then, for a thousand tasks that sleep cost far more."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol
from weakref import WeakSet

_log = logging.getLogger("crossdock.bus")


class Visited(Protocol):
    """Something that has to be looked at now and then."""

    async def visit(self) -> None:
        """Do what is due; soon done."""


class Rounds:
    """Visits its members, one after another; the task lives as long as there are any.

    Attributes:
        every: Seconds between two rounds.
    """

    def __init__(self, every: float) -> None:
        """Visit nobody yet."""
        self.every = every
        self._members: WeakSet[Visited] = WeakSet()
        self._task: asyncio.Task[None] | None = None

    def join(self, member: Visited) -> None:
        """Visit one more, the first time after a round. Safe twice."""
        self._members.add(member)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._go(), name=f"rounds every {self.every:g} s")

    def leave(self, member: Visited) -> None:
        """Visit one no more. Safe twice."""
        self._members.discard(member)

    async def _go(self) -> None:
        while self._members:
            await asyncio.sleep(self.every)
            for each in list(self._members):
                try:
                    if each in self._members:  # it may have left during this round
                        await each.visit()
                except Exception as error:  # noqa: BLE001 - a bug of one keeps nobody from a visit
                    _log.error("visit failed", extra={"why": type(error).__name__})
