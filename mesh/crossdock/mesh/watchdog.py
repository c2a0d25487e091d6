"""Ends the process when its event loop hangs, so that the supervisor starts it anew.

A step that blocks (a call without a timeout, a runaway computation) stops everything: no ack, no
heartbeat to the broker, no probe is answered. Nothing inside the loop can see that; two watchers
outside can. A thread logs where the loop hangs and exits with :data:`EXIT_CODE`. Should C code hold
the interpreter's lock, no thread runs either: then the interpreter's own timer writes the stack to
standard error and exits with 1, at twice the limit.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import sys
import threading
import time
from typing import Final

from crossdock.mesh.telemetry.failures import places

log = logging.getLogger("crossdock.watchdog")

EXIT_CODE: Final = 70  # EX_SOFTWARE of sysexits.h
_CHECKS: Final = 10
_STANDARD_ERROR: Final = 2
_REPORT_SECONDS: Final = 2.0


class Watchdog:
    """Watches the running event loop. One per process; start it from inside the loop."""

    def __init__(self, limit: float = 60.0) -> None:
        """Remember the limit.

        Args:
            limit: Seconds that the loop may hang. More than the longest time-out of a policy, so
                that what ends by itself is not shot.
        """
        self.limit = limit
        self._every = limit / _CHECKS
        self._stopped = threading.Event()
        self._beats = 0
        self._last = time.monotonic()
        self._loop_thread = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch the running loop."""
        self._loop_thread = threading.get_ident()
        self._beat()
        self._task = asyncio.create_task(self._beating(), name="watchdog")
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    async def stop(self) -> None:
        """Stop watching. Safe without start and twice."""
        self._stopped.set()
        faulthandler.cancel_dump_traceback_later()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def age(self) -> float:
        """Return the seconds since the loop last showed that it runs."""
        return time.monotonic() - self._last

    def _beat(self) -> None:
        self._beats += 1
        self._last = time.monotonic()
        faulthandler.dump_traceback_later(2 * self.limit, exit=True, file=_STANDARD_ERROR)

    async def _beating(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            self._beat()

    def _watch(self) -> None:
        # It counts its own rounds, not the clock: a process that was frozen and goes on (SIGSTOP,
        # a paused container) has missed one round, not all of them, and must live.
        missed, seen = 0, self._beats
        while not self._stopped.wait(self._every):
            missed = 0 if self._beats != seen else missed + 1
            seen = self._beats
            if missed >= _CHECKS:
                self._end()

    def _end(self) -> None:
        # The hanging thread may hold the lock of the log handler: report from a thread that may
        # hang as well, and end in any case.
        reporter = threading.Thread(target=self._report, name="watchdog-report", daemon=True)
        reporter.start()
        reporter.join(min(_REPORT_SECONDS, self.limit / 2))
        os._exit(EXIT_CODE)

    def _report(self) -> None:
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 - documented in sys
        log.critical(
            "event loop blocked",
            extra={"seconds": round(self.age(), 1), "limit": self.limit, "at": places(frame)},
        )
        for handler in logging.getLogger().handlers:
            handler.flush()
