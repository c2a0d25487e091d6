"""Hours in which messages may go on: when the next ones begin, also where a clock is changed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crossdock.router.opening_hours import OpeningHours

WORK = ("mon", "tue", "wed", "thu", "fri")
ALL = (*WORK, "sat", "sun")


@pytest.mark.parametrize(
    ("moment", "first"),
    [
        ("2026-03-02T10:00:00+01:00", "2026-03-02T10:00:00+01:00"),  # a Monday, open
        ("2026-03-02T07:59:59+01:00", "2026-03-02T08:00:00+01:00"),
        ("2026-03-02T18:00:00+01:00", "2026-03-03T08:00:00+01:00"),  # closed from then on
        ("2026-03-06T17:59:59+01:00", "2026-03-06T17:59:59+01:00"),
        ("2026-03-06T18:00:00+01:00", "2026-03-09T08:00:00+01:00"),  # a Friday evening
        ("2026-03-27T18:30:00+01:00", "2026-03-30T08:00:00+02:00"),  # summer time begins
        ("2026-10-23T18:30:00+02:00", "2026-10-26T08:00:00+01:00"),  # and ends
        ("2026-03-02T23:30:00Z", "2026-03-03T08:00:00+01:00"),  # Tuesday there already
    ],
)
def test_what_comes_out_of_hours_waits_for_the_next_ones(moment: str, first: str) -> None:
    hours = OpeningHours.read("08:00-18:00", WORK, "Europe/Berlin")
    found = hours.first(datetime.fromisoformat(moment))
    assert (found, found.tzinfo) == (datetime.fromisoformat(first), UTC)


@pytest.mark.parametrize(
    ("moment", "first"),
    [
        ("2026-03-03T05:59:00+00:00", "2026-03-03T05:59:00+00:00"),  # of the night before
        ("2026-03-03T06:00:00+00:00", "2026-03-03T22:00:00+00:00"),
        ("2026-03-01T23:00:00+00:00", "2026-03-02T22:00:00+00:00"),  # Sunday's night is none
    ],
)
def test_hours_may_go_over_midnight_and_belong_to_the_day_on_which_they_begin(
    moment: str, first: str
) -> None:
    hours = OpeningHours.read("22:00-06:00", WORK, "UTC")
    assert hours.first(datetime.fromisoformat(moment)) == datetime.fromisoformat(first)


def test_hours_that_a_clock_skips_begin_when_it_goes_on() -> None:
    hours = OpeningHours.read("02:30-04:00", ALL, "Europe/Berlin")
    found = hours.first(datetime.fromisoformat("2026-03-29T01:00:00+01:00"))
    assert found == datetime.fromisoformat("2026-03-29T03:30:00+02:00")


def test_the_whole_day_is_open_on_its_days() -> None:
    hours = OpeningHours.read("00:00-24:00", ("sun",), "UTC")
    moment = datetime.fromisoformat("2026-03-01T23:59:59.999+00:00")
    assert hours.first(moment) == moment
    monday = datetime.fromisoformat("2026-03-02T00:00:00+00:00")
    assert hours.first(monday) == datetime.fromisoformat("2026-03-08T00:00:00+00:00")


@pytest.mark.parametrize(
    ("hours", "days", "zone", "said"),
    [
        ("9-17", WORK, "UTC", "hours are written like"),
        ("09:00-25:00", WORK, "UTC", "hours are written like"),
        ("09:00-17:00\n", WORK, "UTC", "hours are written like"),
        ("09:00-17:00", (), "UTC", "never open"),
        ("09:00-17:00", WORK, "../../etc/passwd", "timezone is not known"),
        ("09:00-17:00", WORK, "", "timezone is not known"),
    ],
)
def test_what_are_no_hours_is_refused(
    hours: str, days: tuple[str, ...], zone: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        OpeningHours.read(hours, days, zone)
