"""Message Expiration: what is no longer wanted is not routed, and what is made knows its time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from crossdock.contracts import Halt, Reject
from crossdock.contracts.expiry import is_expired, read_time, write_time
from crossdock.router.deciding import decide, expired
from stepped_route import message, stepped

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = "2026-01-01T12:00:01Z"
BEFORE = "2026-01-01T11:59:59Z"


def test_a_message_expires_at_its_time_whatever_the_zone() -> None:
    for text, over in ((LATER, False), (BEFORE, True), ("2026-01-01T13:00:00+02:00", True)):
        given = message({}, extensions={"expirytime": text})
        assert is_expired(given, NOW) is over
    assert not is_expired(message({}), NOW)


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-01-01T12:00:00", "99999-01-01T00:00:00Z"])
def test_i5_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Reject, match="expirytime"):
        is_expired(message({}, extensions={"expirytime": text}), NOW)
    decision = expired(stepped(), message({}, extensions={"expirytime": text}), NOW)
    assert decision is not None
    assert decision.outcome == "rejected"


def test_a_route_drops_or_buries_what_has_expired() -> None:
    over = message({}, extensions={"expirytime": BEFORE})
    dropped, buried = stepped(), stepped(expired="dead")
    for made, outcome in ((dropped, "filtered"), (buried, "rejected")):
        decision = expired(made, over, NOW)
        assert decision is not None
        assert (decision.outcome, decision.reason) == (outcome, "expired")
    assert expired(dropped, message({}, extensions={"expirytime": LATER}), NOW) is None


def test_i4_the_time_that_a_step_sets_counts_from_the_message_and_not_from_the_clock() -> None:
    made = stepped({"expires": "10m"})
    (child,) = decide(made, message({}, time="2026-01-01T12:00:00+01:00")).children
    assert child.message.extensions["expirytime"] == "2026-01-01T11:10:00.000Z"


def test_an_earlier_time_stays() -> None:
    given = message({}, time="2026-01-01T12:00:00Z", extensions={"expirytime": LATER})
    (child,) = decide(stepped({"expires": "10m"}), given).children
    assert child.message.extensions["expirytime"] == "2026-01-01T12:00:01.000Z"


@pytest.mark.parametrize("time", ["", "yesterday", "9999-12-31T23:59:59Z"])
def test_without_a_time_from_which_to_count_the_message_is_rejected(time: str) -> None:
    decision = decide(stepped({"expires": "10m"}), message({}, time=time))
    assert decision.outcome == "rejected"


def test_a_time_of_nothing_cannot_be_meant() -> None:
    with pytest.raises(Halt):
        stepped({"expires": "0s"})


def test_times_are_written_in_utc_to_the_millisecond() -> None:
    time = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=1)))
    assert write_time(time) == "2026-01-01T11:00:00.000Z"
    assert read_time(write_time(time)) == time
