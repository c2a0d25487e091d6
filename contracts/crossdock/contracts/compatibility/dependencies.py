"""Differences in what one property asks of the object that has it."""

from __future__ import annotations

from crossdock.contracts.compatibility.document import Node
from crossdock.contracts.compatibility.pair import Change, Pair
from crossdock.contracts.schema_walk import pointer_of


def compare_dependencies(pair: Pair) -> None:
    """Compare `dependentRequired`, `dependentSchemas` and draft-07's `dependencies`."""
    old, new = pair.old.dependent_required(), pair.new.dependent_required()
    for name in [*old, *(each for each in new if each not in old)]:
        _compare_names(pair, name, old.get(name), new.get(name))
    before, after = pair.old.dependent_schemas(), pair.new.dependent_schemas()
    for name, node in before.items():
        if name in after:
            pair.walk.pair(node, after[name])
        else:
            rule = _rule(pair.old, name, node)
            change = Change(node.schema, None, node.pointer, rule, None)
            pair.report("dependency-schema-removed", change)
    for name, node in after.items():
        if name not in before:
            rule = _rule(pair.new, name, node)
            change = Change(None, node.schema, node.pointer, None, rule)
            pair.report("dependency-schema-added", change)


def _compare_names(pair: Pair, name: str, old: list[str] | None, new: list[str] | None) -> None:
    before, after = set(old or ()), set(new or ())
    if before == after:
        return
    if old is None or new is None:
        word = "added" if old is None else "removed"
    elif before < after:
        word = "extended"
    else:
        word = "narrowed" if after < before else "changed"
    side = pair.old if new is None else pair.new
    keyword = (
        "dependentRequired" if name in (side.get("dependentRequired") or ()) else "dependencies"
    )
    change = Change(
        old=old,
        new=new,
        pointer=side.pointer + pointer_of((keyword, name)),
        old_rule=None if old is None else _asking(pair.old, name, old),
        new_rule=None if new is None else _asking(pair.new, name, new),
    )
    pair.report(f"dependency-array-{word}", change)


def _asking(node: Node, name: str, names: list[str]) -> Node:
    """Say it in a way that both drafts have."""
    return node.with_schema(
        {"if": {"type": "object", "required": [name]}, "then": {"required": names}}
    )


def _rule(node: Node, name: str, asked: Node) -> Node:
    return node.with_schema({"if": {"type": "object", "required": [name]}, "then": asked.schema})
