"""Which times are due: a function of the schedule and of two moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim

LATE: Final = timedelta(seconds=60)
"""A time that is noticed no later than this counts as met, not as missed."""


class Schedule:
    """A schedule in its time zone. Moments go in and come out in UTC."""

    def __init__(self, expression: str, timezone: str) -> None:
        """Take a crontab expression that is known to be good."""
        self._expression = expression
        self._zone = ZoneInfo(timezone)

    def due(self, after: datetime, now: datetime, *, catch_up: bool) -> list[datetime]:
        """Return the times after a moment and up to now, none of them later than ``LATE``.

        Args:
            after: The last time that was handled.
            now: The moment.
            catch_up: When there is none, return the last one that was missed.
        """
        times: list[datetime] = []
        for time in self._from(max(after, now - LATE)):
            if time > now:
                break
            if time > after:
                times.append(time)
        if not times and catch_up:
            missed = self._last(now)
            return [missed] if missed is not None and missed > after else []
        return times

    def next(self, after: datetime) -> datetime | None:
        """Return the first time after a moment, None when there is none in 50 years."""
        return next((time for time in self._from(after) if time > after), None)

    def local(self, time: datetime) -> str:
        """Return a time for a person and a machine: RFC 3339 with the zone's offset."""
        return time.astimezone(self._zone).isoformat()

    def _from(self, moment: datetime) -> _Times:
        return _Times(CronSim(self._expression, moment.astimezone(self._zone)))

    def _last(self, now: datetime) -> datetime | None:
        # From a second later, as a reverse search begins before the moment it is given.
        start = (now + timedelta(seconds=1)).astimezone(self._zone)
        times = _Times(CronSim(self._expression, start, reverse=True))
        return next((time for time in times if time <= now), None)


class _Times:
    """The times of a schedule in UTC, so that comparing them knows no summer time."""

    def __init__(self, local: CronSim) -> None:
        self._local = local

    def __iter__(self) -> _Times:
        return self

    def __next__(self) -> datetime:
        return next(self._local).astimezone(UTC)
