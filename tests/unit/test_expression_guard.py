"""Expressions whose size, depth or code a message could choose are refused before they run (I8)."""

from __future__ import annotations

import pytest

from crossdock.mesh.expression import Expression
from crossdock.mesh.expression_guard import MAX_OPERATORS, MAX_TEXT, line_and_column, refusals


@pytest.mark.parametrize(
    "text",
    [
        "[1..10]",
        "[0..9, 20..29]",
        "[1..$count(lines)]",
        '[0..$count(lines) - 1].{"at": $}',
        "[1..$length(name)]",
        "[1..$min([n, 1000])]",
        "$pad(name, 10)",
        '$pad(name, -10, "0")',
        'name ~> $pad(8, " ")',
        '"a..b"',
        "'$eval'",
        "`a..b`",
        "/* [1..n] and $eval */ 1",
        "$match(name, /a..b/)",
        "$contains(name, /x..y/) and $split(name, /..\\//)",
        "(/* x */ 'it''s' & \"\\\"..\")".replace("''", " "),
        "a / b",
        "$evaluate",
        "$join(names)",
        '$join(names, ", ")',
        "names ~> $join",
        "names ~> $join('-')",
        '$replace(text, /a/, "b")',
        '$replace("Hello {name}", "{name}", name)',
        "text ~> $replace('a', 'b')",
    ],
)
def test_a_bounded_expression_is_let_through(text: str) -> None:
    assert refusals(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "[1..n]",
        "[n..5]",
        "[1..1e9]",
        "[1..100001]",
        "[-9999999..1]",
        "[1..$count(a) * n]",
        "[1..$count(a) + n]",
        "[1..$min([n, m])]",
        "[1..$max([n, 5])]",
        "[1..$min(n)]",
        "[1..5, 1..n]",
        "[1..(n)]",
        "a / [1..n] / b",
    ],
)
def test_a_range_that_a_message_could_stretch_is_refused(text: str) -> None:
    assert "range" in refusals(text)[0]
    with pytest.raises(ValueError, match="range"):
        Expression(text)


@pytest.mark.parametrize(
    "text", ["$pad(name, n)", "$map(names, $pad)", "$pad(name, 10000000)", "($p := $pad; 1)"]
)
def test_a_padding_that_a_message_could_stretch_is_refused(text: str) -> None:
    assert "$pad" in refusals(text)[0]


@pytest.mark.parametrize(
    "text",
    [
        "$join(names, sep)",
        "$join(names, `sep`)",
        "names ~> $join(sep)",
        "$reduce(names, $join)",
        "$replace(text, 'a', other)",
        "text ~> $replace('a', other)",
        "$replace(text, /a/, /* x */ other)",
        "$map(texts, $replace)",
    ],
)
def test_a_product_of_two_texts_of_a_message_is_refused(text: str) -> None:
    assert "fill the memory" in refusals(text)[0]


@pytest.mark.parametrize("text", ["$eval(code)", "($e := $eval; $e(code))", "code ~> $eval"])
def test_code_from_a_message_is_refused(text: str) -> None:
    assert "$eval" in refusals(text)[0]


def test_every_refusal_is_told_with_its_place() -> None:
    found = refusals("[1..n];\n $eval(x)")
    assert [each.partition(":")[0] for each in found] == ["line 2, column 2", "line 1, column 3"]


def test_a_text_that_would_exhaust_the_stack_of_the_engine_is_refused() -> None:
    assert "operators" in refusals("a" + ".a" * (MAX_OPERATORS + 1))[0]
    assert "operators" in refusals("1" + " and 1" * (MAX_OPERATORS + 1))[0]
    assert "characters" in refusals(" " * (MAX_TEXT + 1))[0]


@pytest.mark.parametrize("step", [".a", "+1", "[0]", "()", "&a", " in a", "^(a)", "@$a", "?a:b"])
def test_the_longest_chain_that_is_let_through_does_not_exhaust_the_stack(step: str) -> None:
    operators = max(1, sum(step.count(each) for each in ".+[(&^@?"))
    text = "a" + step * ((MAX_OPERATORS - 1) // operators)
    try:
        compiled = Expression(text)
    except ValueError:
        return
    assert repr(compiled)


def test_line_and_column_count_from_one() -> None:
    assert line_and_column("ab\ncd", 4) == (2, 2)
    assert line_and_column("ab", -1) == (1, 1)
