"""What is known of an expression without running it is true of what the engine makes of it.

On the expressions and input of JSONata's public test suite, see tests/data/README.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonata
import pytest

from crossdock.router.checking.comparing import contains
from crossdock.router.checking.inference import infer
from crossdock.router.checking.making import of_value
from crossdock.router.checking.trees import Tree, tree_of
from crossdock.router.checking.types import ANYTHING, NOTHING, Function, Type
from crossdock.router.checking.world import World

SUITE: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data/jsonata_suite.json").read_text()
)
# What makes every message fail: told where the engine finds nothing wrong, it would be a lie.
FATAL = {
    "argument-count",
    "argument-type",
    "duplicate-key",
    "unknown-function",
    "unlike-operands",
}
Compiled = tuple[dict[str, Any], jsonata.Jsonata]


@pytest.fixture(scope="module")
def compiled() -> list[Compiled]:
    """The cases that the engine compiles."""
    cases = []
    for case in SUITE["cases"]:
        try:
            cases.append((case, jsonata.Jsonata(case["expr"])))
        except (UnicodeEncodeError, jsonata.JsonataError):
            continue
    assert len(cases) > 1500
    return cases


def data_of(case: dict[str, Any]) -> object:
    return SUITE["datasets"][case["dataset"]] if "dataset" in case else case.get("data")


def world_of(case: dict[str, Any]) -> World:
    data = data_of(case)
    return World(
        data=NOTHING if data is None else of_value(data),
        variables={name: of_value(value) for name, value in case.get("bindings", {}).items()},
        accepted=ANYTHING,
        contract=None,
    )


def understood(text: str) -> Tree:
    tree = tree_of(text)
    assert tree is not None, text
    return tree


def result_of(case: dict[str, Any], engine: jsonata.Jsonata) -> object:
    engine.set_output_convert_nulls(False)
    engine.set_runtime_bounds(2000, 500)
    try:
        return engine.evaluate(data_of(case), case.get("bindings"))
    except (jsonata.JsonataError, OverflowError, ValueError) as error:
        return error


def holds(found: Type, value: object) -> bool:
    if value is jsonata.UNDEFINED:
        return found.may_miss
    if value is None and any(isinstance(each, Function) for each in found.kinds):
        return True  # a function comes out of the engine as null
    return contains(found, value)


def test_whatever_the_engine_compiles_is_understood(compiled: list[Compiled]) -> None:
    for case, _ in compiled:
        understood(case["expr"])


def test_what_the_engine_gives_is_of_the_type_that_was_inferred(compiled: list[Compiled]) -> None:
    lies = []
    known = 0
    for case, engine in compiled:
        result = result_of(case, engine)
        if isinstance(result, Exception):
            continue
        found = infer(understood(case["expr"]), world_of(case))
        known += not found.type.is_unknown
        fatal = [each for each in found.findings if each.code in FATAL]
        if fatal or not holds(found.type, result):
            lies.append((case["expr"], fatal))
    assert lies == []
    assert known > 1000, "knowing nothing is no lie, but no help either"
