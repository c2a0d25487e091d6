"""Detour: a message goes through the steps of a detour or past them, as it is switched."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from crossdock.contracts import Halt
from crossdock.mesh.records import Entry
from crossdock.router.coverage import coverage_of
from crossdock.router.deciding import Decision, decide
from crossdock.router.explaining import Recorded, explain
from crossdock.router.shadow import Recorded as RecordedThen
from crossdock.router.shadow import Stubs, shadow
from crossdock.router.testing import run_examples
from stepped_route import REGISTRY, message, sent, stepped

INSPECTION = {
    "detour": "inspection",
    "steps": [{"where": "n > 0"}, {"tap": "inspectors"}, {"map": "{'n': n * 2}"}],
}
ROUTE = stepped(INSPECTION)
ON = {"inspection": True}
OFF = {"inspection": False}


def destinations(decision: Decision) -> set[str]:
    return {each.destination for each in decision.children}


def test_it_is_off_until_somebody_switches_it_on() -> None:
    assert sent(decide(ROUTE, message({"n": 3}))) == [{"n": 3}]
    assert sent(decide(ROUTE, message({"n": 3}), OFF)) == [{"n": 3}]
    taken = decide(ROUTE, message({"n": 3}), ON)
    assert sent(taken) == [{"n": 6}]
    assert destinations(taken) == {"inspectors", "book"}
    first = taken.steps[0]
    assert (first.step, first.note) == ("steps/0", "on")


def test_it_may_be_on_from_the_start() -> None:
    route = stepped(INSPECTION | {"on": True})
    assert route.detours == ON
    assert sent(decide(route, message({"n": 3}))) == [{"n": 6}]
    assert sent(decide(route, message({"n": 3}), OFF)) == [{"n": 3}]


def test_its_steps_decide_only_while_it_is_on() -> None:
    assert decide(ROUTE, message({"n": 0}), ON).outcome == "filtered"
    assert decide(ROUTE, message({"n": 0}), OFF).outcome == "routed"


def test_all_parts_of_a_message_go_the_same_way() -> None:
    route = stepped({"split": "lines", "steps": [INSPECTION]})
    assert route.detours == OFF
    lines = message({"lines": [{"n": 1}, {"n": 2}]})
    assert sent(decide(route, lines, ON)) == [{"n": 2}, {"n": 4}]
    assert sent(decide(route, lines, OFF)) == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([{"detour": "inspection", "steps": []}], "leads nowhere"),
        ([INSPECTION, INSPECTION], "has a detour 'inspection' already"),
        ([INSPECTION | {"detour": "No Name"}], "is not a name"),
    ],
)
def test_what_is_no_detour_is_refused(steps: list[dict[str, object]], said: str) -> None:
    with pytest.raises(Halt, match=said):
        stepped(*steps)


def test_on_belongs_to_a_detour() -> None:
    with pytest.raises(ValueError, match="'on' belongs to detour"):
        stepped({"where": "true", "on": True})


def test_its_destinations_are_those_of_the_route() -> None:
    assert ROUTE.destinations == ("inspectors", "book")


def test_why_decides_again_as_it_was_switched_then() -> None:
    for detours, held, outcome in ((ON, True, "filtered"), (OFF, False, "routed")):
        recorded = Recorded(time=datetime.now(UTC), detours=detours)
        why = explain(ROUTE, message({"n": 0}), recorded)
        assert why.outcome == outcome
        told = next(each for each in why.told if each.place == "steps/0")
        assert (told.condition, told.held) == ("inspection", held)
        assert told.why.startswith("detour: on" if held else "detour: off")


def test_why_says_that_it_does_not_know() -> None:
    why = explain(ROUTE, message({"n": 1}), Recorded(time=datetime.now(UTC)))
    assert "it was not recorded" in why.told[0].why


def test_a_shadow_takes_the_detours_of_then() -> None:
    entry = Entry("o-1", 1, "filtered", "steps/0/steps/0")
    then = RecordedThen(entry, ON)
    assert shadow(ROUTE, message({"n": 0}), 1, then, Stubs({})).verdict == "same"
    other = shadow(ROUTE, message({"n": 0}), 1, RecordedThen(entry, OFF), Stubs({}))
    assert other.verdict == "different"


def test_examples_say_which_are_on_and_coverage_counts_both(tmp_path: Path) -> None:
    given = tmp_path / "routes" / "three.json"
    given.parent.mkdir()
    given.write_text('{"n": 3}')
    on = {"given": "three.json", "detours": ["inspection"], "expect": ["inspectors", "book"]}
    off = {"given": "three.json", "expect": ["book"]}
    wrong = {"given": "three.json", "detours": ["nowhere"], "expect": ["book"]}
    found = run_examples(ROUTE, (on, off, wrong), REGISTRY, tmp_path, {})
    assert [bool(each.problems) for each in found] == [False, False, True]
    assert "no detour 'nowhere'" in str(found[2].problems[0])
    covered = coverage_of(ROUTE, found)
    assert {"steps/0 held", "steps/0 not held"} <= set(covered.shown)
    assert "steps/0 not held" not in coverage_of(ROUTE, found[:1]).shown
