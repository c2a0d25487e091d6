"""Doing things at a rate."""

from __future__ import annotations

import asyncio
from typing import Final

MOST_AT_ONCE: Final = 100
_PARTS_A_SECOND: Final = 10


class Pace:
    """Lets so many things a second through, in small groups."""

    def __init__(self, rate: float | None) -> None:
        """Set the rate.

        Args:
            rate: Things a second; None for as fast as it goes.
        """
        self._rate = rate
        self._began: float | None = None
        self._done = 0

    @property
    def group(self) -> int:
        """How many to do at once."""
        if self._rate is None:
            return MOST_AT_ONCE
        return max(1, min(MOST_AT_ONCE, int(self._rate / _PARTS_A_SECOND)))

    async def wait(self, done: int) -> None:
        """Wait until it is time for the next group.

        Args:
            done: How many things were done since the last call.
        """
        clock = asyncio.get_running_loop().time
        if self._began is None:
            self._began = clock()
        self._done += done
        if self._rate is not None:
            await asyncio.sleep(max(0.0, self._began + self._done / self._rate - clock()))
