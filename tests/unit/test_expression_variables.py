"""An expression is handed what it reads of its variables, and gives the same as with all."""

from __future__ import annotations

from typing import Any

import jsonata
import pytest

from crossdock.mesh.expression import Expression
from crossdock.mesh.expression_variables import Uses

VALUES: dict[str, Any] = {
    "whole": {"order": "A1", "lines": [{"n": 1}, {"n": 2}], "odd name": 3},
    "part": {"index": 0, "count": 2},
    "list": [{"a": 1}, {"a": 2}],
    "text": "x",
    "unused": {"a": 1},
}


@pytest.mark.parametrize(
    ("text", "handed"),
    [
        ("$whole.order", {"whole": {"order": "A1"}}),
        ("$whole . order & $whole.none", {"whole": {"order": "A1"}}),
        ("$part.index & $text", {"part": {"index": 0}, "text": "x"}),
        ("$list.a", {"list": VALUES["list"]}),
        ("$whole", {"whole": VALUES["whole"]}),
        ("$whole.order & $string($whole)", {"whole": VALUES["whole"]}),
        ("$whole.`odd name`", {"whole": VALUES["whole"]}),
        ("$whole.*", {"whole": VALUES["whole"]}),
        ("$whole.(order)", {"whole": VALUES["whole"]}),
        ("$whole.lines.%.order", {"whole": VALUES["whole"]}),
        ("$whole.lines[n > 1].n", {"whole": {"lines": VALUES["whole"]["lines"]}}),
        ("$sum(lines.n) + $$.n", None),
        ("$wholes.order", None),
    ],
)
def test_only_what_is_read_is_handed_over(text: str, handed: Any) -> None:  # noqa: ANN401 - JSON
    assert Uses(text).of(VALUES) == handed


@pytest.mark.parametrize(
    "text",
    [
        "$whole.order",
        "$whole.lines.n",
        "$whole.lines.%.order",
        "$whole.`odd name`",
        "$whole.*",
        "$whole.(order & $part.count)",
        "$keys($whole)",
        "$whole ~> $lookup('order')",
        "($whole := {'order': 'B'}; $whole.order)",
        "$map($list, function($whole) {$whole.a})",
        "$whole.lines@$l.{'n': $l.n, 'o': $whole.order}",
        "$whole.lines#$i.$i",
        "$exists($whole.none)",
        "$whole.order.$length($)",
        "$list.a & $text",
    ],
)
def test_the_result_is_that_of_all_variables(text: str) -> None:
    assert Expression(text).evaluate({}, VALUES) == jsonata.Jsonata(text).evaluate({}, VALUES)
