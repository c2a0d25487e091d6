"""Settings of ``cron-in``."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from cronsim import CronSim, CronSimError


class CronInSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of ``cron-in``.

    Attributes:
        schedule: As in crontab: minute, hour, day of month, month, day of week; with six fields
            the first one is the second.
        timezone: Whose clock the schedule means, for example ``Europe/Berlin``.
        data: What is sent each time, beside the scheduled time.
        catch_up: What happens after a time without a worker: ``none``, or ``last``: the last time
            that was missed is made up for.
        state: With ``catch_up: last`` the folder that remembers the last time; on a disk that
            outlives the process. Relative to the project folder.
    """

    schedule: str
    timezone: str = "UTC"
    data: Any = None
    catch_up: Literal["none", "last"] = "none"
    state: str = ".crossdock/cron"

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        try:
            zone = zoneinfo.ZoneInfo(self.timezone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("timezone is not known: write for example Europe/Berlin") from error
        try:
            next(CronSim(self.schedule, datetime.now(UTC).astimezone(zone)))
        except (CronSimError, StopIteration) as error:
            raise ValueError(
                "schedule is not one of crontab that ever comes: write for example 0 6 * * MON-FRI"
            ) from error
