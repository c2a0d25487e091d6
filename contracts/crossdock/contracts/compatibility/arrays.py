"""Differences in what is said of arrays.

The first items may have schemas of their own (a tuple); what is said of the rest is the content
model, as with the properties of objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from crossdock.contracts.compatibility.document import DRAFT_7, Node
from crossdock.contracts.compatibility.keywords import is_open, is_partial
from crossdock.contracts.compatibility.objects import EVALUATING, compare_openness, compare_rule
from crossdock.contracts.compatibility.pair import Change, Pair
from crossdock.contracts.compatibility.scalars import compare_bounds
from crossdock.contracts.schema_walk import Schema

_COUNTS: Final = {"maxItems": "max-items", "minItems": "min-items"}
_CONTAINED: Final = {"maxContains": "max-contains", "minContains": "min-contains"}


def compare_arrays(pair: Pair) -> None:
    """Compare items, and what is said of them all."""
    old, new = pair.old.prefix(), pair.new.prefix()
    for one, other in zip(old, new, strict=False):
        pair.walk.pair(one, other)
    for at, node in enumerate(old[len(new) :], len(new)):
        _removed(pair, at, node)
    for at, node in enumerate(new[len(old) :], len(old)):
        _added(pair, at, node)
    _compare_rest(pair)
    compare_rule(pair, "contains", "contains", "minContains", "maxContains")
    compare_bounds(pair, _CONTAINED, "contains")
    compare_openness(pair, "unevaluatedItems", "unevaluated-items", *EVALUATING)
    compare_bounds(pair, _COUNTS)
    if bool(pair.old.get("uniqueItems")) != bool(pair.new.get("uniqueItems")):
        word = "added" if pair.new.get("uniqueItems") else "removed"
        pair.keyword(f"unique-items-{word}", "uniqueItems")


def _added(pair: Pair, at: int, node: Node) -> None:
    before = _rest(pair.old)
    if before is False:
        code = "item-added-to-closed-content-model"
    elif is_open(before):
        empty = is_open(node.schema)
        kind = "item-with-empty-schema" if empty else "item"
        code = f"{kind}-added-to-open-content-model"
    else:
        covered = pair.walk.effect(pair.old.with_schema(before), node).safe
        code = f"item-added-{'is' if covered else 'not'}-covered-by-partially-open-content-model"
    change = Change(
        None,
        node.schema,
        node.pointer,
        _item(pair.old, at, before),
        _item(pair.new, at, node.schema),
    )
    pair.report(code, change)


def _removed(pair: Pair, at: int, node: Node) -> None:
    after = _rest(pair.new)
    if after is False:
        kind = "item-with-false" if node.schema is False else "item"
        code = f"{kind}-removed-from-closed-content-model"
    elif is_open(after):
        code = "item-removed-from-open-content-model"
    else:
        covered = pair.walk.effect(node, pair.new.with_schema(after)).safe
        code = f"item-removed-{'is' if covered else 'not'}-covered-by-partially-open-content-model"
    change = Change(
        node.schema,
        None,
        node.pointer,
        _item(pair.old, at, node.schema),
        _item(pair.new, at, after),
    )
    pair.report(code, change)


def _compare_rest(pair: Pair) -> None:
    old, new = _rest(pair.old), _rest(pair.new)
    if (is_open(old) and is_open(new)) or (old is False and new is False):
        return
    before, after = pair.old.rest(), pair.new.rest()
    if before is not None and after is not None and is_partial(old) and is_partial(new):
        pair.walk.pair(before, after)
        return
    if old is False:
        word = "added"
    elif new is False:
        word = "removed"
    else:
        word = "extended" if is_open(new) else "narrowed"
    side = pair.new if after is not None else pair.old
    change = Change(
        old=None if before is None else before.schema,
        new=None if after is None else after.schema,
        pointer=f"{side.pointer}/{side.rest_keyword}",
        old_rule=_others(pair, pair.old, old),
        new_rule=_others(pair, pair.new, new),
    )
    pair.report(f"additional-items-{word}", change)


def _rest(node: Node) -> Schema:
    found = node.rest()
    return True if found is None else found.schema


def _item(node: Node, at: int, schema: Schema) -> Node:
    return node.with_schema(_tuple(node, [True] * at + [schema], rest=True))


def _others(pair: Pair, node: Node, rest: Schema) -> Node:
    count = max(len(pair.old.prefix()), len(pair.new.prefix()))
    return node.with_schema(_tuple(node, [True] * count, rest))


def _tuple(node: Node, first: Sequence[Schema], rest: Schema) -> dict[str, Any]:
    """Write a tuple as the draft of the document does."""
    if not first:
        return {"items": rest}
    if node.document.draft == DRAFT_7:
        return {"items": first, "additionalItems": rest}
    return {"prefixItems": first, "items": rest}
