"""Differences in how schemas are combined: all, any or one of them, not, if."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from crossdock.contracts.compatibility.document import Node
from crossdock.contracts.compatibility.objects import compare_rule
from crossdock.contracts.compatibility.pair import Change, Pair

_SUMS: Final = ("anyOf", "oneOf")
_MAX_TRIED: Final = 400


def compare_combined(pair: Pair) -> None:
    """Compare `allOf` with references, `anyOf`, `oneOf`, `not` and `if`."""
    old, new = _kind(pair.old), _kind(pair.new)
    if old == new and old in _SUMS:
        _compare_sum(pair, old)
    elif old in _SUMS or new in _SUMS:
        _compare_kinds(pair, old, new)
    if (old not in _SUMS and new not in _SUMS) or (old in _SUMS and new in _SUMS):
        _compare_products(pair)
    _compare_negation(pair)
    _compare_conditional(pair)


def _kind(node: Node) -> str:
    for keyword in (*_SUMS, "allOf"):
        if keyword in node.keywords:
            return keyword
    return ""


def _compare_kinds(pair: Pair, old: str, new: str) -> None:
    """One side has an `anyOf` or `oneOf` that the other has not."""
    if not old:
        pair.keyword("sum-type-extended", new)
    elif not new:
        pair.keyword("sum-type-narrowed", old)
    else:
        wider = new == "anyOf" or old == "allOf"
        change = Change(
            old, new, f"{pair.new.pointer}/{new}", pair.old.only(old), pair.new.only(new)
        )
        pair.report("combined-type-extended" if wider else "combined-type-changed", change)


def _compare_sum(pair: Pair, keyword: str) -> None:
    ours, theirs = _branches(pair.old, keyword), _branches(pair.new, keyword)
    before, after, alike = _matched(pair, ours, theirs)
    mark = pair.walk.mark()
    for old, new in alike:
        pair.walk.pair(old, new)
    if len(theirs) > len(ours) and not before:
        pair.keyword("sum-type-extended", keyword)
    elif len(theirs) < len(ours) and not after:
        pair.keyword("sum-type-narrowed", keyword)
    elif alike or before or after:
        change = pair.change(keyword)
        pair.walk.report_rest(pair, "combined-type-subschemas-changed", change, mark)


def _compare_products(pair: Pair) -> None:
    before, after, alike = _matched(pair, list(pair.old.parts()), list(pair.new.parts()))
    for old, new in alike:
        pair.walk.pair(old, new)
    for node in before:
        change = Change(node.schema, None, node.pointer, node, None)
        pair.report("product-type-narrowed", change)
    for node in after:
        change = Change(None, node.schema, node.pointer, None, node)
        pair.report("product-type-extended", change)


def _branches(node: Node, keyword: str) -> list[Node]:
    return [node.child(keyword, str(at)) for at in range(len(node.get(keyword) or ()))]


def _matched(
    pair: Pair, old: list[Node], new: list[Node]
) -> tuple[list[Node], list[Node], list[tuple[Node, Node]]]:
    """Find out which belong together; those that mean the same are left out.

    Returns:
        Those of the old side alone, of the new side alone, and the pairs.
    """
    ours, theirs = list(old), list(new)
    alike: list[tuple[Node, Node]] = []
    if len(ours) * len(theirs) <= _MAX_TRIED:
        _take(ours, theirs, lambda a, b: _fits(pair, a, b) and _fits(pair, b, a))
        alike += _take(ours, theirs, lambda a, b: _fits(pair, a, b) or _fits(pair, b, a))
    alike += _take(ours, theirs, lambda a, b: set(a.keywords) == set(b.keywords))
    paired = list(zip(ours, theirs, strict=False))
    return ours[len(paired) :], theirs[len(paired) :], [*alike, *paired]


def _fits(pair: Pair, source: Node, target: Node) -> bool:
    return pair.walk.effect(source, target).safe


def _take(
    ours: list[Node], theirs: list[Node], belong: Callable[[Node, Node], bool]
) -> list[tuple[Node, Node]]:
    """Take the pairs that belong together out of both lists."""
    taken = []
    for one in list(ours):
        other = next((each for each in theirs if belong(one, each)), None)
        if other is not None:
            ours.remove(one)
            theirs.remove(other)
            taken.append((one, other))
    return taken


def _compare_negation(pair: Pair) -> None:
    compare_rule(pair, "not", "not-type")


def _compare_conditional(pair: Pair) -> None:
    old, new = "if" in pair.old.keywords, "if" in pair.new.keywords
    if not old and not new:
        return
    group = ("if", "then", "else")
    if old and new and _same_condition(pair):
        for keyword in ("then", "else"):
            pair.walk.pair(_branch(pair.old, keyword), _branch(pair.new, keyword))
    elif not pair.added_or_removed("conditional", *group):
        pair.keyword("conditional-changed", *group)


def _same_condition(pair: Pair) -> bool:
    old, new = pair.old.child("if"), pair.new.child("if")
    return _fits(pair, old, new) and _fits(pair, new, old)


def _branch(node: Node, keyword: str) -> Node:
    if keyword in node.keywords:
        return node.child(keyword)
    return Node(node.document, f"{node.pointer}/{keyword}", schema=True)
