"""Differences in what is said of objects.

What adding or removing a property does depends on the content model: what the other side says of
properties that it does not list. It is open when they may be anything, closed when there may be
none, partially open when they have a schema of their own.
"""

from __future__ import annotations

from typing import Any, Final

from crossdock.contracts.compatibility.document import Node, matches
from crossdock.contracts.compatibility.keywords import is_open, is_partial
from crossdock.contracts.compatibility.pair import Change, Pair
from crossdock.contracts.compatibility.scalars import compare_bounds
from crossdock.contracts.schema_walk import Schema

_COUNTS: Final = {"maxProperties": "max-properties", "minProperties": "min-properties"}
_LISTING: Final = ("properties", "patternProperties", "additionalProperties")


def compare_objects(pair: Pair) -> None:
    """Compare properties, and what is said of them all."""
    old, new = pair.old.named("properties"), pair.new.named("properties")
    for name in old:
        if name in new:
            pair.walk.pair(old[name], new[name])
        else:
            _removed(pair, name, old[name])
    for name in new:
        if name not in old:
            _added(pair, name, new[name])
    _compare_required(pair)
    _compare_patterns(pair)
    _compare_others(pair)
    compare_rule(pair, "propertyNames", "property-names")
    compare_openness(pair, "unevaluatedProperties", "unevaluated-properties", *EVALUATING)
    compare_bounds(pair, _COUNTS)


def compare_unevaluated(pair: Pair, mark: int) -> None:
    """Compare what the same `unevaluated…` keyword leaves, which other keywords decide."""
    for keyword, code in _UNEVALUATED.items():
        if keyword in pair.old.keywords and keyword in pair.new.keywords:
            change = pair.change(keyword, *EVALUATING)
            pair.walk.report_rest(pair, f"{code}-changed", change, mark)


_UNEVALUATED: Final = {
    "unevaluatedProperties": "unevaluated-properties",
    "unevaluatedItems": "unevaluated-items",
}
#: What decides which properties and items have been looked at.
EVALUATING: Final = (
    *_LISTING,
    *("prefixItems", "items", "contains"),
    *("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"),
    *("$ref", "$dynamicRef"),
)


def effective(node: Node, name: str) -> Schema:
    """Return what a schema says of a property that it does not list."""
    fitting = [each.schema for at, each in _patterns(node).items() if matches(at, name)]
    if fitting:
        return fitting[0] if len(fitting) == 1 else {"allOf": fitting}
    return _said(node, "additionalProperties")


def _added(pair: Pair, name: str, node: Node) -> None:
    before = effective(pair.old, name)
    needed = name in (pair.new.get("required") or ())
    needed = needed and name not in (pair.old.get("required") or ())
    rule: dict[str, Any] = {"properties": {name: node.schema}}
    if needed:
        rule["required"] = [name]
    change = Change(
        old=None,
        new=node.schema,
        pointer=node.pointer,
        old_rule=pair.old.with_schema({"properties": {name: before}}),
        new_rule=pair.new.with_schema(rule),
    )
    pair.report(_code_of_added(pair, node, before, needed=needed), change)


def _code_of_added(pair: Pair, node: Node, before: Schema, *, needed: bool) -> str:
    need = "required" if needed else "optional"
    if before is False:
        return f"{need}-property-added-to-unopen-content-model"
    if is_open(before):
        if not needed and is_open(node.schema):
            return "property-with-empty-schema-added-to-open-content-model"
        return f"{need}-property-added-to-open-content-model"
    if needed:
        return "required-property-added-to-unopen-content-model"
    covered = pair.walk.effect(pair.old.with_schema(before), node).safe
    is_covered = "is" if covered else "not"
    return f"property-added-{is_covered}-covered-by-partially-open-content-model"


def _removed(pair: Pair, name: str, node: Node) -> None:
    after = effective(pair.new, name)
    change = Change(
        old=node.schema,
        new=None,
        pointer=node.pointer,
        old_rule=pair.old.with_schema({"properties": {name: node.schema}}),
        new_rule=pair.new.with_schema({"properties": {name: after}}),
    )
    pair.report(_code_of_removed(pair, node, after), change)


def _code_of_removed(pair: Pair, node: Node, after: Schema) -> str:
    if after is False:
        kind = "property-with-false" if node.schema is False else "property"
        return f"{kind}-removed-from-closed-content-model"
    if is_open(after):
        return "property-removed-from-open-content-model"
    covered = pair.walk.effect(node, pair.new.with_schema(after)).safe
    is_covered = "is" if covered else "not"
    return f"property-removed-{is_covered}-covered-by-partially-open-content-model"


def _compare_required(pair: Pair) -> None:
    old, new = (set(each.get("required") or ()) for each in (pair.old, pair.new))
    listed = pair.new.named("properties")
    told = set(listed) - set(pair.old.named("properties"))
    for name in sorted(new - old - told):
        schema = listed[name].schema if name in listed else True
        has_default = isinstance(schema, dict) and "default" in schema
        code = (
            "required-attribute-with-default-added" if has_default else "required-attribute-added"
        )
        rule = pair.new.with_schema({"required": [name]})
        pair.report(code, Change(None, name, f"{pair.new.pointer}/required", None, rule))
    for name in sorted(old - new):
        rule = pair.old.with_schema({"required": [name]})
        side = pair.new if new else pair.old
        change = Change(name, None, f"{side.pointer}/required", rule, None)
        pair.report("required-attribute-removed", change)


def _compare_patterns(pair: Pair) -> None:
    old, new = _patterns(pair.old), _patterns(pair.new)
    for pattern, node in old.items():
        if pattern in new:
            pair.walk.pair(node, new[pattern])
        else:
            rule = pair.old.with_schema({"patternProperties": {pattern: node.schema}})
            change = Change(node.schema, None, node.pointer, rule, pair.new.only(*_LISTING))
            pair.report("pattern-property-removed", change)
    for pattern, node in new.items():
        if pattern not in old:
            rule = pair.new.with_schema({"patternProperties": {pattern: node.schema}})
            change = Change(None, node.schema, node.pointer, pair.old.only(*_LISTING), rule)
            pair.report("pattern-property-added", change)


def _patterns(node: Node) -> dict[str, Node]:
    return node.named("patternProperties")


def _compare_others(pair: Pair) -> None:
    """Compare what is said of properties that are not listed, apart from those that are."""
    compare_openness(
        pair,
        "additionalProperties",
        "additional-properties",
        old_rule=_others_only(pair, pair.old),
        new_rule=_others_only(pair, pair.new),
    )


def _others_only(pair: Pair, node: Node) -> Node:
    names = {**(pair.old.get("properties") or {}), **(pair.new.get("properties") or {})}
    return node.with_schema(
        {
            "properties": dict.fromkeys(names, True),
            "patternProperties": dict.fromkeys(_patterns(node), True),
            "additionalProperties": _said(node, "additionalProperties"),
        }
    )


def _said(node: Node, keyword: str) -> Schema:
    found: Schema | None = node.get(keyword)
    return True if found is None else found


def compare_openness(
    pair: Pair,
    keyword: str,
    code: str,
    *with_it: str,
    old_rule: Node | None = None,
    new_rule: Node | None = None,
) -> None:
    """Compare a keyword that says what holds for everything not listed.

    Args:
        pair: The places.
        keyword: The keyword; where it is not there, anything is allowed.
        code: What the codes begin with.
        with_it: Keywords without which its meaning is not known.
        old_rule: What the old schema asks by it, if not by these keywords.
        new_rule: What the new schema asks by it.
    """
    old, new = _said(pair.old, keyword), _said(pair.new, keyword)
    if (is_open(old) and is_open(new)) or (old is False and new is False):
        return
    if is_partial(old) and is_partial(new):
        pair.walk.pair(pair.old.child(keyword), pair.new.child(keyword))
        return
    if old is False:
        word = "added"
    elif new is False:
        word = "removed"
    else:
        word = "extended" if is_open(new) else "narrowed"
    side = pair.new if keyword in pair.new.keywords else pair.old
    change = Change(
        old=pair.old.get(keyword),
        new=pair.new.get(keyword),
        pointer=f"{side.pointer}/{keyword}",
        old_rule=old_rule or pair.old.only(keyword, *with_it),
        new_rule=new_rule or pair.new.only(keyword, *with_it),
    )
    pair.report(f"{code}-{word}", change)


def compare_rule(pair: Pair, keyword: str, code: str, *with_it: str) -> None:
    """Compare a keyword whose schema is told of as a whole.

    Args:
        pair: The places.
        keyword: The keyword.
        code: What the codes begin with.
        with_it: Keywords without which its meaning is not known.
    """
    if pair.added_or_removed(code, keyword, *with_it) or keyword not in pair.old.keywords:
        return
    old, new = pair.old.child(keyword), pair.new.child(keyword)
    wider, narrower = pair.walk.effect(old, new).safe, pair.walk.effect(new, old).safe
    if wider and narrower:
        return
    word = "extended" if wider else "narrowed" if narrower else "changed"
    pair.keyword(f"{code}-{word}", keyword, *with_it)
