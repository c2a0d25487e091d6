"""An expression is read as the engine reads it; what is none is not understood."""

from __future__ import annotations

import pytest

from crossdock.mesh.jsonata_syntax import NotUnderstoodError, nodes, parse
from crossdock.router.checking.trees import place_of, tree_of


def shown(node: nodes.Node) -> str:
    """Write a tree of operators with all of its brackets."""
    if isinstance(node, nodes.Binary):
        return f"({shown(node.left)} {node.operator} {shown(node.right)})"
    if isinstance(node, nodes.Dot):
        return f"({shown(node.source)}.{shown(node.step)})"
    if isinstance(node, nodes.Filter):
        return f"{shown(node.source)}[{shown(node.predicate)}]"
    if isinstance(node, nodes.Conditional):
        otherwise = "" if node.otherwise is None else f" : {shown(node.otherwise)}"
        return f"({shown(node.condition)} ? {shown(node.then)}{otherwise})"
    if isinstance(node, nodes.Negative):
        return f"-{shown(node.operand)}"
    return str(getattr(node, "name", getattr(node, "value", type(node).__name__)))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a + b * c", "(a + (b * c))"),
        ("a * b + c", "((a * b) + c)"),
        ("a.b + c", "((a.b) + c)"),
        ("a or b and c = d", "(a or (b and (c = d)))"),
        ("a.b[c]", "(a.b[c])"),
        ("-a.b", "-(a.b)"),
        ("a ? b : c ? d : e", "(a ? b : (c ? d : e))"),
        ("a ? b", "(a ? b)"),
        ("and and or", "(and and or)"),
        ("a.and", "(a.and)"),
        ("`a b`.'c'", "(a b.c)"),
        ("a & 'x' & b", "((a & x) & b)"),
        ("a ~> $f ~> $g", "((a ~> f) ~> g)"),
        ("a / b", "(a / b)"),
        ("$ = /a+/", "( = Regex)"),
        ("a /* b */ + c", "(a + c)"),
        ('"\\u0041\\n"', "A\n"),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ("1.5e2", "150.0"),
    ],
)
def test_operators_bind_as_jsonata_has_it(text: str, tree: str) -> None:
    assert shown(parse(text)) == tree


@pytest.mark.parametrize("text", ["", "a +", "(", "a b", "{1}", "/a", "!", "a := ", "f(,)"])
def test_what_is_no_expression_is_not_understood(text: str) -> None:
    with pytest.raises(NotUnderstoodError):
        parse(text)


@pytest.mark.parametrize("text", ["(" * 5000, "[" * 200 + "1" + "]" * 200, "+".join("a" * 3000)])
def test_what_is_nested_too_deep_is_not_understood(text: str) -> None:
    with pytest.raises(NotUnderstoodError):
        parse(text)


def test_a_field_of_a_result_is_found_in_the_text() -> None:
    text = '($x := 1;\n {"a": {"b": $x},\n  "c": 2})'
    tree = tree_of(text)
    assert tree is not None
    assert text[place_of(tree, ("a", "b")) :].startswith('"b"')
    assert text[place_of(tree, ("c",)) :].startswith('"c"')
    assert text[place_of(tree, ("missing",)) :].startswith("{")
