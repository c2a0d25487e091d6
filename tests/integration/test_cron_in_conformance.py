from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crossdock.workers.adapter import Received, WorkerContext
from crossdock.workers.conformance import (
    MARK,
    SourceCheck,
    SourceFeatures,
    check_name,
    source_checks,
)
from crossdock.workers.cron_in import CronInSettings, CronSource

_FEATURES = SourceFeatures(survives_restart=False, can_disconnect=False)  # a clock is always there
_START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class HandClock:
    """A clock that is set by hand; waiting on it waits really, but not long."""

    def __init__(self) -> None:
        self.time = _START

    def now(self) -> datetime:
        return self.time

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))


class CronHarness:
    """Each second is a scheduled time; putting lets the clock run."""

    features = _FEATURES

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = HandClock()

    def make(self, batch: int) -> CronSource:
        settings = CronInSettings(schedule="* * * * * *", data={"text": MARK})
        context = WorkerContext(mesh="test", worker="tick", folder=self.folder, batch=batch)
        return CronSource(settings, context, self.clock)

    async def put(self, numbers: Sequence[int]) -> None:
        self.clock.time += timedelta(seconds=len(numbers))

    def number(self, received: Received) -> int:
        scheduled = datetime.fromisoformat(received.value["scheduled"])
        return int((scheduled - _START).total_seconds()) - 1

    async def cut(self) -> None:
        raise NotImplementedError

    async def heal(self) -> None:
        raise NotImplementedError


@pytest.mark.parametrize("check", source_checks(_FEATURES), ids=check_name)
async def test_cron_in_conforms(check: SourceCheck, tmp_path: Path) -> None:
    await check(CronHarness(tmp_path))
