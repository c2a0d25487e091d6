"""Blocking work of one adapter: in a thread of its own, one call after another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")


class Blocking:
    """Runs calls in one thread, in order.

    A caller that is cancelled leaves a call that has begun running to its end; the next call waits
    for it. So files and databases are never used by two calls at once.
    """

    def __init__(self, name: str) -> None:
        """Start nothing yet.

        Args:
            name: Name of the thread, for a person who looks at the process.
        """
        self._name = name
        self._executor: ThreadPoolExecutor | None = None

    async def run(self, call: Callable[[], _T]) -> _T:
        """Run a call in the thread and return what it returns or raises."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix=self._name)
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    async def stop(self, last: Callable[[], None]) -> None:
        """Run a last call, also when the caller is cancelled meanwhile, and end the thread."""
        executor, self._executor = self._executor, None
        if executor is None:
            return
        ending = asyncio.get_running_loop().run_in_executor(executor, last)
        executor.shutdown(wait=False)  # what is queued still runs
        await asyncio.shield(ending)
