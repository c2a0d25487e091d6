"""What a route that delays decides: once when a message comes, and once when its time has come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from crossdock.contracts import Reject
from crossdock.mesh.later import due_of, waits_until
from crossdock.router.compiled import CompiledRoute
from crossdock.router.deciding import Decision, decide, deciding
from crossdock.router.delaying import Delayer, Held, discarding
from crossdock.router.driving import drive
from crossdock.router.effects import Answer, Effect
from stepped_route import message, sent, stepped

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def never(_: Effect) -> Answer:
    raise AssertionError


def due(route: CompiledRoute, held: Held, now: datetime = NOW) -> datetime:
    assert isinstance(route.delay, Delayer)
    return route.delay.due(held, now)


def later(route: CompiledRoute, first: Decision) -> list[Decision]:
    return [drive(deciding(route, each.message), never) for each in first.held]


def delayed(*steps: dict[str, Any], **fields: Any) -> CompiledRoute:  # noqa: ANN401 - as in a file
    given = {"delay": {"for": "15m"}, **fields}
    return stepped(*steps, **given)


def test_what_waits_becomes_the_same_children_as_without_a_delay() -> None:
    steps = ({"split": "lines"}, {"expires": "1h"})
    original = message({"lines": [{"n": 1}, {"n": 2}]}, time="2026-03-02T09:00:00Z")
    first = decide(delayed(*steps), original)
    assert (first.outcome, first.children, len(first.held)) == ("delayed", (), 2)
    found = [child for each in later(delayed(*steps), first) for child in each.children]
    assert found == list(decide(stepped(*steps), original).children)


def test_the_variables_of_the_steps_are_there_when_the_time_has_come() -> None:
    join = {"split": "lines", "steps": [{"map": "n * 2"}], "join": {"into": "doubled"}}
    fields = {"send": [{"to": "book", "map": "{'sum': $sum($doubled), 'id': $message.id}"}]}
    route = delayed(join, **fields)
    (done,) = later(route, decide(route, message({"lines": [{"n": 1}, {"n": 2}]})))
    assert sent(done) == [{"sum": 6, "id": "o-1"}]


def test_what_is_filtered_does_not_wait_and_a_tap_sends_at_once() -> None:
    route = delayed({"tap": "audit"}, {"where": "total > 5"})
    assert decide(route, message({"total": 1})).outcome == "filtered"
    first = decide(route, message({"total": 9}))
    assert [each.destination for each in first.children] == ["audit"]


def test_the_time_counts_from_when_a_message_came_in_and_is_the_same_each_time() -> None:
    route = delayed()
    (held,) = decide(route, message({})).held
    assert due(route, held) == due(route, held) == NOW + timedelta(minutes=15)
    (again,) = decide(route, message({})).held
    assert again == held


def test_a_time_that_is_over_is_now_and_hours_move_it_on() -> None:
    delay = {"until": "at", "within": {"hours": "10:00-12:00"}}
    route = delayed(delay=delay)
    (held,) = decide(route, message({"at": "2020-01-01T00:00:00Z"})).held
    assert due(route, held) == NOW + timedelta(hours=1)


@pytest.mark.parametrize("asked", ["2027-03-04T09:00:00Z", "9999-12-31T23:59:59+00:00"])
def test_nobody_waits_for_longer_than_at_most(asked: str) -> None:
    route = delayed(delay={"until": "at"})
    (held,) = decide(route, message({"at": asked})).held
    with pytest.raises(Reject, match="more than 366 days away"):
        due(route, held)


@pytest.mark.parametrize("asked", [None, "", "soon", 5, [], "2026-03-02", "2026-03-02T09:00:00"])
def test_what_is_no_time_is_rejected_and_its_value_is_not_told(asked: object) -> None:
    first = decide(delayed(delay={"until": "at"}), message({"at": asked}))
    assert first.outcome == "rejected"
    assert first.reason == "delay/until gives no RFC 3339 time with its zone"


def test_what_was_discarded_by_hand_ends_when_it_goes_on() -> None:
    route = delayed()
    (held,) = decide(route, message({"n": 1})).held
    data = discarding(held.message.data, "discarded by ada")
    ended = msgspec.structs.replace(held.message, data=data)
    (done,) = later(route, Decision(outcome="delayed", held=(Held(message=ended),)))
    assert (done.outcome, done.reason) == ("filtered", "discarded by ada")


@pytest.mark.parametrize("data", [b"", b"{}", b'{"headers": {}, "data": 1}', b"\xff"])
def test_what_holds_no_message_is_rejected(data: bytes) -> None:
    route = delayed()
    (held,) = decide(route, message({"n": 1})).held
    broken = msgspec.structs.replace(held.message, data=data)
    assert drive(deciding(route, broken), never).outcome == "rejected"


def test_the_data_of_what_waits_is_in_no_repr() -> None:
    (held,) = decide(delayed(), message({"name": "Ada"})).held
    assert "Ada" not in repr(held)


def test_a_record_says_until_when_and_that_can_be_read_again() -> None:
    first, last = NOW, NOW + timedelta(hours=1)
    assert waits_until([last]) == "waits until 2026-03-02T10:00:00.000Z"
    assert due_of(waits_until([last])) == last
    assert due_of(waits_until([last, first])) == first
    assert due_of("send/0") is None
