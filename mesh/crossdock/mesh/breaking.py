"""Circuit Breaker: pauses a component whose messages all fail, and burns no attempts."""

from __future__ import annotations

import asyncio
from typing import Literal

from crossdock.mesh.project.settings import Policy


class Breaker:
    """The breaker of one component in one process; each replica finds out for itself.

    It opens after so many failures in a row, or at once when the other system is away. When its
    pause is over it is half open: one message is tried, and closes it or opens it again.

    Attributes:
        state: How it is.
    """

    def __init__(self, policy: Policy, stop: asyncio.Event) -> None:
        """Begin closed.

        Args:
            policy: When it opens, and for how long.
            stop: Set when the component has to end; then nothing waits here any more.
        """
        self._policy = policy
        self._stop = stop
        self._failures = 0
        self._until = 0.0
        self._probing = False
        self._changed = asyncio.Event()
        self.state: Literal["closed", "open", "half-open"] = "closed"

    def most(self, count: int) -> int:
        """Return how many of so many messages may be tried at once."""
        return count if self.state == "closed" else 1

    async def not_open(self) -> None:
        """Wait while nothing may be taken; stopping does not wait."""
        while self.state == "open" and not self._stop.is_set():
            left = self._until - asyncio.get_running_loop().time()
            if left <= 0:
                self._be("half-open")
            else:
                await self._wait(left)

    async def allowed(self) -> None:
        """Wait until something may be tried; when half open, one at a time."""
        while not self._stop.is_set():
            await self.not_open()
            if self.state == "closed":
                return
            if not self._probing:
                self._probing = True
                return
            await self._wait(self._policy.breaker_pause)

    def gave_up(self) -> None:
        """Take note that what was allowed is not tried: another may be."""
        self._probing = False
        self._be(self.state)

    def succeeded(self) -> None:
        """Take note that something was done, or refused for what it is: the system answers."""
        self._failures = 0
        self._probing = False
        if self.state != "closed":
            self._be("closed")

    def failed(self, *, away: bool) -> bool:
        """Take note that all that was tried has failed for now; tell whether it opens.

        Args:
            away: Whether the other system cannot be reached.
        """
        self._failures += 1
        self._probing = False
        if away or self.state != "closed" or self._failures >= self._policy.breaker_after:
            self._until = asyncio.get_running_loop().time() + self._policy.breaker_pause
            self._be("open")
            return True
        return False

    def _be(self, state: Literal["closed", "open", "half-open"]) -> None:
        self.state = state
        self._changed.set()
        self._changed = asyncio.Event()

    async def _wait(self, seconds: float) -> None:
        """Wait until it changes, the component has to end, or so many seconds."""
        waits = [asyncio.ensure_future(each) for each in (self._changed.wait(), self._stop.wait())]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
