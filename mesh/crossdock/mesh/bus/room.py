"""Room for large things in the memory of one process: who finds none waits (I8)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Room:
    """So many bytes, given away in the order in which they are asked for.

    Who has room never asks for more of it, so nobody waits for ever.
    """

    def __init__(self, size: int) -> None:
        """Begin empty."""
        self._size = size
        self._taken = 0
        self._turn = asyncio.Lock()
        self._left = asyncio.Event()

    @asynccontextmanager
    async def take(self, size: int) -> AsyncIterator[None]:
        """Have room for so many bytes; what is larger than all of it gets it alone."""
        if not size:  # and waits for nobody
            yield
            return
        async with self._turn:
            while self._taken and self._taken + size > self._size:
                self._left.clear()
                await self._left.wait()
            self._taken += size
        try:
            yield
        finally:
            self._taken -= size
            self._left.set()
