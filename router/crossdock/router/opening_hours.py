"""Hours in which something may happen: when the next ones begin. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)\Z")
_DAY: Final = 24 * 60
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK: Final = 7


class OpeningHours(msgspec.Struct, frozen=True, kw_only=True):
    """The same hours on some days of each week, by the clock of a place.

    Attributes:
        opens: Minutes after midnight at which they begin.
        minutes: How long they last by that clock.
        days: On which they begin; Monday is 0.
        zone: Whose clock is meant.
    """

    opens: int
    minutes: int
    days: frozenset[int]
    zone: ZoneInfo

    @classmethod
    def read(cls, hours: str, days: tuple[str, ...], timezone: str) -> OpeningHours:
        """Read them as they are written.

        Args:
            hours: From and to, such as ``09:00-17:00``.
            days: Such as ``mon``.
            timezone: Name in the time zone database.

        Raises:
            ValueError: With a text for the person who wrote them.
        """
        found = _SPAN.match(hours)
        if found is None:
            raise ValueError("hours are written like 09:00-17:00")
        if not days:
            raise ValueError("never open: name at least one day")
        opens = int(found[1]) * 60 + int(found[2])
        closes = _DAY if found[3] is None else int(found[3]) * 60 + int(found[4])
        try:
            zone = ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("timezone is not known: write for example Europe/Berlin") from error
        return cls(
            opens=opens,
            minutes=closes - opens if closes > opens else closes - opens + _DAY,
            days=frozenset(_DAYS.index(each) for each in days),
            zone=zone,
        )

    def first(self, moment: datetime) -> datetime:
        """Return the moment if it is within the hours, else when the next ones begin; in UTC.

        Args:
            moment: With its zone.
        """
        today = moment.astimezone(self.zone).date()
        for offset in range(-1, _WEEK + 2):
            day = today + timedelta(days=offset)
            if day.weekday() in self.days and moment < self._at(day, self.opens + self.minutes):
                return max(moment.astimezone(UTC), self._at(day, self.opens))
        raise ValueError("never open")  # a day is named, so it comes within a week

    def _at(self, day: date, minutes: int) -> datetime:
        """Return a moment by the clock of the zone; one that it skips is as much later."""
        days, rest = divmod(minutes, _DAY)
        local = datetime.combine(day + timedelta(days=days), time(*divmod(rest, 60)), self.zone)
        return local.astimezone(UTC)
