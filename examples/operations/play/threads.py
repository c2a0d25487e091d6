"""Threads that are asked to stop when one of them fails, or when nobody waits for them any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

Job = Callable[[threading.Event], None]


class SendingFailedError(Exception):
    """Something could not be sent; the text says what, and what was answered."""


async def run_all(jobs: Sequence[Job]) -> None:
    """Run jobs, each in a thread of its own, until all are done or one fails.

    Args:
        jobs: They return soon after the event that they are given is set.
    """
    stop = threading.Event()
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(max(1, len(jobs))) as threads:
        work = [loop.run_in_executor(threads, job, stop) for job in jobs]
        try:
            await asyncio.gather(*work)
        finally:
            stop.set()
