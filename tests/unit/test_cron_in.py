from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crossdock.workers.adapter import Received, WorkerContext
from crossdock.workers.cron_in import CronInSettings, CronSource
from crossdock.workers.cron_in.schedule import Schedule

_NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class _Clock:
    """Waiting on it makes it go on at once."""

    def __init__(self, now: datetime) -> None:
        self.time = now
        self.waited: list[float] = []

    def now(self) -> datetime:
        return self.time

    async def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.time += timedelta(seconds=seconds)


Make = Callable[..., CronSource]


@pytest.fixture
def clock() -> _Clock:
    return _Clock(_NOON)


@pytest.fixture
def make(tmp_path: Path, clock: _Clock) -> Make:
    def source(schedule: str = "* * * * *", **settings: Any) -> CronSource:  # noqa: ANN401 - any setting
        context = WorkerContext(mesh="test", worker="nightly", folder=tmp_path)
        return CronSource(CronInSettings(schedule=schedule, **settings), context, clock)

    return source


async def _until(source: CronSource, count: int) -> list[Received]:
    things: list[Received] = []
    for _ in range(10_000):
        things += await source.receive()
        if len(things) >= count:
            return things
    raise AssertionError("nothing came")


def _times(things: list[Received]) -> list[str]:
    return [thing.value["scheduled"] for thing in things]


async def test_each_scheduled_time_comes_once_with_its_data(make: Make) -> None:
    source = make(data={"report": "daily"})
    await source.open()
    things = await _until(source, 3)
    assert _times(things) == [f"2026-03-01T12:0{minute}:00+00:00" for minute in (1, 2, 3)]
    assert things[0].value["data"] == {"report": "daily"}


async def test_it_never_waits_longer_than_about_a_second(make: Make, clock: _Clock) -> None:
    source = make("0 0 1 1 *")
    await source.open()
    assert not await source.receive()
    assert clock.waited == [1.0]


async def test_replicas_give_the_same_time_the_same_id(make: Make, clock: _Clock) -> None:
    first, second = make(), make(timezone="Asia/Kolkata")
    await first.open()
    await second.open()
    (one,) = await _until(first, 1)
    clock.time = _NOON + timedelta(seconds=61)
    (other,) = await second.receive()
    assert one.id == other.id


async def test_without_catching_up_a_missed_time_is_gone(make: Make, clock: _Clock) -> None:
    source = make("0 * * * *")
    await source.open()
    clock.time += timedelta(hours=5, minutes=30)
    assert not await source.receive()
    assert _times(await _until(source, 1)) == ["2026-03-01T18:00:00+00:00"]


async def test_a_time_that_is_noticed_a_little_late_is_not_missed(
    make: Make, clock: _Clock
) -> None:
    source = make("0 * * * *")
    await source.open()
    clock.time += timedelta(hours=1, seconds=59)
    assert _times(list(await source.receive())) == ["2026-03-01T13:00:00+00:00"]


async def test_catching_up_makes_up_for_the_last_missed_time_only_also_after_a_restart(
    make: Make, clock: _Clock
) -> None:
    first = make("0 * * * *", catch_up="last")
    await first.open()
    await first.close()
    clock.time += timedelta(hours=5, minutes=30)
    second = make("0 * * * *", catch_up="last")
    await second.open()
    things = list(await second.receive())
    assert _times(things) == ["2026-03-01T17:00:00+00:00"]
    await second.close()
    third = make("0 * * * *", catch_up="last")
    await third.open()
    assert [thing.id for thing in await third.receive()] == [things[0].id]
    await third.acknowledge(things)
    await third.close()
    fourth = make("0 * * * *", catch_up="last")
    await fourth.open()
    assert not await fourth.receive()
    await fourth.close()


async def test_a_clock_that_is_set_back_repeats_nothing(make: Make, clock: _Clock) -> None:
    source = make()
    await source.open()
    things = await _until(source, 5)
    clock.time = _NOON
    things += await _until(source, 1)
    assert len(set(_times(things))) == len(things)


def test_in_the_hour_that_summer_time_skips_and_the_one_it_repeats_a_daily_time_comes_once() -> (
    None
):
    schedule = Schedule("30 2 * * *", "Europe/Berlin")
    for day in (datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)):
        found, moment = [], day - timedelta(hours=12)
        while moment < day + timedelta(hours=12):
            later = moment + timedelta(seconds=50)
            found += schedule.due(moment, later, catch_up=False)
            moment = later
        assert len(found) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"schedule": "* * * *"},
        {"schedule": "61 * * * *"},
        {"schedule": "0 0 31 2 *"},
        {"schedule": "* * * * *", "timezone": "Europe/Nowhere"},
        {"schedule": "* * * * *", "timezone": "../../etc/passwd"},
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"schedule|timezone"):
        CronInSettings(**settings)
