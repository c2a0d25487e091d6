"""The type check of routes goes on through an aggregator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from crossdock.contracts import Contract, Registry
from crossdock.router.checking.route import check_route
from crossdock.router.compiled import compile_route
from crossdock.router.route_file import RouteFile

LINE = Contract(
    "sales.line.ordered",
    "1.0.0",
    {
        "type": "object",
        "required": ["order", "line"],
        "properties": {"order": {"type": "string"}, "line": {"type": "integer"}},
        "additionalProperties": False,
    },
)
WHOLE = Contract(
    "sales.order.whole",
    "1.0.0",
    {
        "type": "object",
        "required": ["order", "lines"],
        "properties": {
            "order": {"type": "string"},
            "lines": {"type": "array", "items": {"type": "integer"}},
        },
        "additionalProperties": False,
    },
)
GOOD: dict[str, Any] = {
    "by": "order",
    "order": "line",
    "complete": {"when": "$max(parts.line) = count"},
    "map": "{'order': key, 'lines': [parts.line]}",
    "as": "sales.order.whole",
}


def found(*, send: dict[str, Any] | None = None, **changes: object) -> list[tuple[str, str]]:
    given = {
        "route": "orders",
        "accepts": "sales.line.ordered",
        "aggregate": GOOD | changes,
        "send": [send or {"to": "book"}],
    }
    route = compile_route(
        msgspec.convert(given, RouteFile), Registry([LINE, WHOLE]), Path(), mesh="m"
    )
    told = check_route(route, lambda _: [{"order": "A-1", "line": 1}])
    return [(each.pointer, each.finding.code) for each in told if not each.finding.warning]


def test_a_route_that_fits_its_contracts_passes() -> None:
    assert found() == []
    assert (
        found(send={"to": "book", "when": "$group.reason != 'timeout' and $count(lines) > 1"}) == []
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"by": "ordre"}, ("/aggregate/by", "unknown-field")),
        ({"order": "lien"}, ("/aggregate/order", "unknown-field")),
        ({"complete": {"size": "lines"}}, ("/aggregate/complete/size", "unknown-field")),
        ({"complete": {"when": "part > 1"}}, ("/aggregate/complete/when", "unknown-field")),
        (
            {"map": "{'order': key, 'lines': [parts.lien]}"},
            ("/aggregate/map", "unknown-field"),
        ),
        ({"map": "{'order': key}"}, ("/aggregate/map", "mapping-breaks-contract")),
        (
            {"map": "{'order': key, 'lines': [parts.order]}"},
            ("/aggregate/map", "mapping-breaks-contract"),
        ),
        (
            {"send": {"to": "book", "when": "$group.reasn = 'timeout'"}},
            ("/send/0/when", "unknown-field"),
        ),
        ({"send": {"to": "book", "when": "line = 1"}}, ("/send/0/when", "unknown-field")),
    ],
)
def test_what_does_not_fit_is_told_at_its_place(
    changes: dict[str, Any], told: tuple[str, str]
) -> None:
    assert told in found(**changes)
