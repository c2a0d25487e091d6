"""A route that compiles but cannot mean what it says is told so; a doubtful one is let through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from crossdock.contracts import Contract, Registry
from crossdock.router.compiled import compile_route
from crossdock.router.route_checks import check_route, paths
from crossdock.router.route_file import RouteFile

CLOSED: dict[str, Any] = {
    "additionalProperties": False,
    "properties": {
        "total": {"type": "number"},
        "customer": {"additionalProperties": False, "properties": {"country": {}}},
        "lines": {
            "type": "array",
            "items": {"additionalProperties": False, "properties": {"sku": {}}},
        },
        "more": {"properties": {"known": {}}},
    },
}


def found(*branches: dict[str, Any], schema: dict[str, Any] = CLOSED, key: str = "send") -> Any:  # noqa: ANN401 - a list of pairs
    registry = Registry(
        [
            Contract("a.b.c", "1.0.0", schema),
            Contract("a.b.c", "1.1.0", {**CLOSED, "title": "the newer one"}),
        ]
    )
    route = msgspec.convert({"route": "r", "accepts": "a.b.c", key: branches}, RouteFile)
    problems = check_route(compile_route(route, registry, Path(), mesh="m"))
    return [(each.pointer, each.keyword) for each in problems]


@pytest.mark.parametrize(
    "text",
    ["totl > 1", "total > 1 and customer.contry = 'x'", "lines.sko = 'total'", "total.x.y or foo"],
)
def test_a_field_that_no_accepted_version_has_is_told(text: str) -> None:
    assert ("/send/0/when", "field") in found({"to": "a", "when": text})


@pytest.mark.parametrize(
    "text",
    [
        "total > 1 and customer.country in lines.sku",
        "more.unknown = 'nobody'",
        "'totl' = \"foo\"",
        "$exists(totl)",
        "lines[foo > 1]",
        "customer.(contry)",
        "total > 1e3 and true and null",
    ],
)
def test_a_field_that_may_be_there_is_let_through(text: str) -> None:
    assert found({"to": "a", "when": text}) == []


def test_a_field_that_one_accepted_version_may_have_is_let_through() -> None:
    assert found({"to": "a", "when": "totl > 1"}, schema={}) == []
    assert found({"to": "a", "when": "totl > 1"}, schema={**CLOSED, "allOf": []}) == []


def test_a_mapping_is_checked_too() -> None:
    assert found({"to": "a", "map": "customer.nam"}) == [("/send/0/map", "field")]


def test_a_branch_behind_one_that_is_always_taken_is_told() -> None:
    branches = ({"to": "a", "when": "total > 1"}, {"to": "b"}, {"to": "c"})
    assert found(*branches) == [("/send/2", "unreachable")]
    assert found(*branches, key="send_all") == []
    assert found(*branches[:2]) == []


def test_only_plain_expressions_have_paths() -> None:
    assert paths("a . b > 1 and c") == [("a", "b"), ("c",)]
    assert paths("a[0].b") == []
