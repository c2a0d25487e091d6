from __future__ import annotations

from crossdock.contracts import Problem
from crossdock.workers.sourcing import refusal


def test_the_same_fault_in_two_places_has_one_reason_and_each_its_own_place() -> None:
    problems = [Problem(message="not a date", pointer="/start"), Problem(message="missing")]
    one, other = (refusal("hr.employee.changed", problems, f"a.csv:{n}") for n in (3, 7))
    assert one.reason == other.reason == "not a valid hr.employee.changed: /start: not a date"
    assert [each.place for each in one.problems] == ["a.csv:3", "a.csv:3"]
    assert str(other.problems[0]) == "a.csv:7: /start: not a date"
