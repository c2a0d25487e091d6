"""The verdicts of schema registries: each is ours, or the difference is argued for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from crossdock.contracts import Contract
from crossdock.contracts.compatibility import Difference, compare, counterexample

HERE: Final = Path(__file__).parent / "compatibility_cases"
DOCS: Final = Path(__file__).parents[2] / "docs" / "compatibility.md"
DRAFTS: Final = {
    "2020-12": "https://json-schema.org/draft/2020-12/schema",
    "draft-07": "http://json-schema.org/draft-07/schema#",
}
#: What the three words of one registry say: what new readers, and old readers, can count on.
LEVELS: Final = {"backward": (True, False), "both": (True, True), "none": (False, False)}


def _cases() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for file in sorted(HERE.glob("*.yaml")):
        read = yaml.safe_load(file.read_text())
        for case in read["cases"]:
            for side in ("old", "new"):
                if isinstance(case[side], dict):
                    case[side] = {"$schema": DRAFTS[read["draft"]], **case[side]}
            found.append((f"{file.stem}: {case['name']}", case))
    return found


CASES: Final = _cases()
DIFFERING: Final = [(name, case) for name, case in CASES if "differs" in case]
all_cases = pytest.mark.parametrize(("name", "case"), CASES, ids=[name for name, _ in CASES])
differing_cases = pytest.mark.parametrize(
    ("name", "case"), DIFFERING, ids=[name for name, _ in DIFFERING]
)


def _kept(differences: list[Difference]) -> tuple[bool, bool]:
    backward = all(each.backward.safe for each in differences)
    return backward, all(each.forward.safe for each in differences)


def _agrees(case: dict[str, Any], kept: tuple[bool, bool]) -> bool:
    if "level" in case:
        return kept == LEVELS[case["level"]]
    return kept[0] == (case["says"] == "keeps")


@all_cases
def test_agrees_with_the_registry_or_says_why_not(name: str, case: dict[str, Any]) -> None:
    differences = compare(case["old"], case["new"])
    assert _agrees(case, _kept(differences)) == ("differs" not in case), (name, differences)


@all_cases
def test_what_is_said_to_be_kept_has_no_counterexample(name: str, case: dict[str, Any]) -> None:
    backward, forward = _kept(compare(case["old"], case["new"]))
    old, new = _contract(case["old"]), _contract(case["new"])
    assert not backward or counterexample(old, new) is None, name
    assert not forward or counterexample(new, old) is None, name


@pytest.mark.parametrize(
    ("name", "case"), [each for each in CASES if "code" in each[1]], ids=lambda v: str(v)[:60]
)
def test_names_the_difference_as_the_registry_does(name: str, case: dict[str, Any]) -> None:
    codes = [each.code for each in compare(case["old"], case["new"])]
    assert case["code"] in codes, name


@differing_cases
def test_the_guide_argues_for_each_verdict_of_our_own(name: str, case: dict[str, Any]) -> None:
    rows = [line for line in DOCS.read_text().splitlines() if line.startswith("|")]
    registry, _, case_name = name.partition(": ")
    assert any(case_name in row and registry in row.lower() for row in rows), case["differs"]


def _contract(schema: object) -> Contract:
    whole = schema if isinstance(schema, dict) else ({} if schema else {"not": {}})
    return Contract("registry.case.compared", "1.0.0", whole)
