"""The type check of routes goes both ways: with a detour and without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from crossdock.contracts import Contract, Registry
from crossdock.router.checking.route import check_route
from crossdock.router.compiled import compile_route
from crossdock.router.route_file import RouteFile

ORDER = Contract(
    "sales.order.placed",
    "1.0.0",
    {
        "type": "object",
        "required": ["number", "total"],
        "properties": {"number": {"type": "string"}, "total": {"type": "number"}},
        "additionalProperties": False,
    },
)
PAID = Contract(
    "sales.order.paid",
    "1.0.0",
    {
        "type": "object",
        "required": ["number"],
        "properties": {"number": {"type": "string"}},
        "additionalProperties": False,
    },
)


def found(detour: list[dict[str, Any]], *behind: dict[str, Any]) -> set[tuple[str, str]]:
    given = {
        "route": "orders",
        "accepts": "sales.order.placed",
        "steps": [{"detour": "other", "steps": detour}, *behind],
        "send": [{"to": "book", "as": "sales.order.paid@1"}],
    }
    route = compile_route(
        msgspec.convert(given, RouteFile), Registry([ORDER, PAID]), Path(), mesh="m"
    )
    told = check_route(route, lambda _: [{"number": "A-1", "total": 3}])
    return {(each.pointer, each.finding.code) for each in told if not each.finding.warning}


def test_what_is_right_both_ways_passes() -> None:
    assert found([{"drop": ["total"]}], {"keep": ["number"]}) == set()


def test_what_only_the_detour_makes_right_is_told() -> None:
    assert ("/send/0/as", "mapping-breaks-contract") in found([{"keep": ["number"]}])


def test_what_only_the_detour_makes_wrong_is_told() -> None:
    told = found([{"map": "{'number': total}"}], {"keep": ["number"]})
    assert ("/send/0/as", "mapping-breaks-contract") in told


def test_what_is_wrong_within_it_is_told_there() -> None:
    told = found([{"where": "totl > 0"}], {"keep": ["number"]})
    assert ("/steps/0/steps/0/where", "unknown-field") in told


def test_a_field_that_only_the_detour_keeps_may_be_missing_behind_it() -> None:
    told = found([{"map": "{'number': number, 'twice': total * 2}"}], {"where": "twice > 3"})
    assert not {each for each in told if each[0] == "/steps/1/where"}
