"""Differences in what is said of any value: annotations, types, listed values."""

from __future__ import annotations

from typing import Any, Final

from crossdock.contracts.compatibility.document import Node
from crossdock.contracts.compatibility.keywords import tagged
from crossdock.contracts.compatibility.pair import Change, Pair

_ANNOTATIONS: Final = {
    "$id": "id-changed",
    "title": "title-changed",
    "description": "description-changed",
    "default": "default-changed",
}
_PROJECT: Final = "project:/"
_ALL: Final = frozenset({"null", "boolean", "object", "array", "integer", "fraction", "string"})


def compare_annotations(pair: Pair) -> None:
    """Compare what is said for people only."""
    if isinstance(pair.old.schema, bool) or isinstance(pair.new.schema, bool):
        return
    for keyword, code in _ANNOTATIONS.items():
        old, new = pair.old.schema.get(keyword), pair.new.schema.get(keyword)
        if tagged(old) != tagged(new) and not _is_given(old, new):
            side = pair.old if new is None else pair.new
            pair.walk.annotate(code, Change(old, new, f"{side.pointer}/{keyword}"))


def _is_given(old: object, new: object) -> bool:
    """Tell whether nobody wrote these identifiers: a project gives each file one, by its path."""
    return str(old).startswith(_PROJECT) and str(new).startswith(_PROJECT)


def compare_values(pair: Pair) -> None:
    """Compare types and listed values."""
    old, new = types(pair.old), types(pair.new)
    if old != new:
        if old < new:
            pair.keyword("type-extended", "type")
        elif new < old:
            pair.keyword("type-narrowed", "type")
        else:
            pair.keyword("type-changed", "type")
    _compare_listed(pair)


def types(node: Node) -> frozenset[str]:
    """Return the types of a schema's values; a number is a whole one or a fraction."""
    given = node.get("type")
    if given is None:
        return _ALL
    names = {given} if isinstance(given, str) else set(given)
    if "number" in names:
        names |= {"integer", "fraction"}
    return frozenset(names - {"number"})


def _compare_listed(pair: Pair) -> None:
    old, new = _listed(pair.old), _listed(pair.new)
    if old is None and new is None:
        return
    keyword = next(k for k in ("enum", "const") if k in {**pair.new.keywords, **pair.old.keywords})
    if old is None or new is None:
        word = "added" if old is None else "removed"
    else:
        lost = [each for each in old if each not in new]
        gained = [each for each in new if each not in old]
        if not lost and not gained:
            return
        word = "extended" if not lost else "narrowed" if not gained else "changed"
    pair.report(
        f"enum-array-{word}",
        Change(
            _said(pair.old),
            _said(pair.new),
            _place(pair.old if new is None else pair.new, keyword),
            pair.old.only("enum", "const"),
            pair.new.only("enum", "const"),
        ),
    )


def _listed(node: Node) -> list[Any] | None:
    """Return the values that are listed, such that equal means the same."""
    found = [tagged(each) for each in node.get("enum") or ()]
    if "const" in node.keywords:
        constant = tagged(node.get("const"))
        return [constant] if "enum" not in node.keywords or constant in found else []
    return found if "enum" in node.keywords else None


def _said(node: Node) -> Any:  # noqa: ANN401 - any value may be listed
    return node.get("const") if "const" in node.keywords else node.get("enum")


def _place(node: Node, keyword: str) -> str:
    other = "const" if keyword == "enum" else "enum"
    return f"{node.pointer}/{keyword if keyword in node.keywords else other}"
