"""Wait for what another process does, where no event of ours can tell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psutil


async def eventually(condition: Callable[[], bool], *, seconds: float = 10) -> None:
    """Return as soon as the condition holds; TimeoutError when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended; a zombie that nobody has collected counts as ended."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
