"""The source of ``cron-in``: a message at each scheduled time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

import msgspec

from crossdock.contracts import keyed_id
from crossdock.mesh.blocking import Blocking
from crossdock.workers.adapter import Received, WorkerContext
from crossdock.workers.cron_in.memory import recall, remember
from crossdock.workers.cron_in.schedule import Schedule
from crossdock.workers.cron_in.settings import CronInSettings
from crossdock.workers.file_errors import instruction

_LONGEST_WAIT: Final = 1.0  # seconds: what the port allows, and how soon a set clock is noticed
_MOST_UNSAFE: Final = 10_000  # times that wait for their acknowledgement (I8)


class Clock(Protocol):
    """The time of day."""

    def now(self) -> datetime:
        """Return the moment, with its zone."""

    async def wait(self, seconds: float) -> None:
        """Wait that long."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the moment, in UTC."""
        return datetime.now(UTC)

    async def wait(self, seconds: float) -> None:
        """Wait that long."""
        await asyncio.sleep(seconds)


class CronSource:
    """Receives the scheduled times. Replicas give the same id to the same time."""

    def __init__(
        self, settings: CronInSettings, context: WorkerContext, clock: Clock | None = None
    ) -> None:
        """Do nothing yet.

        Args:
            settings: Of the adapter.
            context: Of the worker.
            clock: The time of day; by default this machine's.
        """
        self._settings = settings
        self._context = context
        self._clock = clock or SystemClock()
        self._schedule = Schedule(settings.schedule, settings.timezone)
        self._catch_up = settings.catch_up == "last"
        self._path = context.folder / settings.state / f"{context.worker}.last"
        self._blocking = Blocking(f"cron-in {context.worker}")
        self._seen: datetime | None = None  # the last time that became due
        self._given = 0  # how many of the times below were returned
        self._unsafe: deque[datetime] = deque()  # due and not acknowledged

    async def open(self) -> None:
        """Find out from when on times are due. What was not acknowledged is given again."""
        self._given = 0
        if self._seen is None:
            self._seen = await self._blocking.run(self._begin)

    async def receive(self) -> Sequence[Received]:
        """Return the times that are due, waiting about a second for one."""
        self._look()
        if self._given == len(self._unsafe):
            await self._clock.wait(self._wait())
            self._look()
        times = list(self._unsafe)[self._given :][: self._context.batch]
        self._given += len(times)
        return [self._received(time) for time in times]

    async def acknowledge(self, received: Sequence[Received]) -> None:
        """Forget these times; with ``catch_up`` remember durably that they are handled."""
        if not received:
            return
        last: datetime = received[-1].token
        if self._catch_up:
            await self._blocking.run(lambda: self._remember(last))
        while self._unsafe and self._unsafe[0] <= last:
            self._unsafe.popleft()
            self._given = max(0, self._given - 1)

    async def close(self) -> None:
        """End the thread."""
        await self._blocking.stop(lambda: None)

    def _look(self) -> None:
        """Add the times that became due."""
        if len(self._unsafe) >= _MOST_UNSAFE:
            return
        now = self._clock.now().astimezone(UTC)
        seen = self._seen or now
        times = self._schedule.due(seen, now, catch_up=self._catch_up)
        self._unsafe.extend(times)
        if times:
            self._seen = times[-1]

    def _wait(self) -> float:
        now = self._clock.now().astimezone(UTC)
        following = self._schedule.next(now)
        left = _LONGEST_WAIT if following is None else (following - now).total_seconds()
        return min(_LONGEST_WAIT, max(0.0, left))

    def _received(self, time: datetime) -> Received:
        scheduled = self._schedule.local(time)
        value = {"scheduled": scheduled, "data": self._settings.data}
        return Received(
            value=value,
            raw=msgspec.json.encode(value),
            # In UTC, so that the id does not depend on how the time is written (I4).
            id=keyed_id(self._context.worker, time.isoformat()),
            place=scheduled,
            token=time,
        )

    def _begin(self) -> datetime:
        now = self._clock.now().astimezone(UTC)
        if not self._catch_up:
            return now
        try:
            last = recall(self._path)
            if last is None:
                remember(self._path, now)
        except OSError as error:
            raise instruction(error, str(self._path)) from error
        return last or now

    def _remember(self, time: datetime) -> None:
        try:
            remember(self._path, time)
        except OSError as error:
            raise instruction(error, str(self._path)) from error
