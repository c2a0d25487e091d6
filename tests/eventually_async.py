"""Wait for what only a broker can tell, bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def eventually_async(
    condition: Callable[[], Awaitable[bool]], *, seconds: float = 60
) -> None:
    """Return as soon as the condition holds; TimeoutError when it does not in time."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.1)
