"""Splits the messages of a contract into cases, by what conditions compare fields with.

``status = "new"`` and ``total > 100`` make six cases of an enum of two values: each value, with a
total below, of and above 100. In each case such a condition surely holds or surely does not: so
branches that are never reached, and values that no branch takes, can be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise, product
from json import dumps
from math import inf
from typing import Final, TypeAlias

import msgspec

from crossdock.mesh.jsonata_syntax import nodes as n
from crossdock.router.checking.intersecting import intersection
from crossdock.router.checking.making import of_value
from crossdock.router.checking.operators import COMPARISONS
from crossdock.router.checking.trees import Tree, field_path
from crossdock.router.checking.types import NOTHING, Bool, Missing, Null, Number, Object, Text, Type

Path: TypeAlias = tuple[str, ...]
_MOST: Final = 256


class Case(msgspec.Struct, frozen=True):
    """Some of the messages of a contract.

    Attributes:
        data: Their type.
        picked: Type of the fields that make this case, by their path.
    """

    data: Type
    picked: dict[Path, Type]


def compared(tree: Tree) -> dict[Path, set[str | float]]:
    """Return the fields that a condition compares, each with the values it is compared with.

    Only what the condition says of the message as a whole: nothing in predicates or functions.
    """
    found: dict[Path, set[str | float]] = {}
    waiting = [tree.root]
    while waiting:
        node = waiting.pop()
        path = field_path(node)
        if path is not None:
            found.setdefault(path, set())
        elif isinstance(node, n.Binary) and node.operator in COMPARISONS:
            for one, other in ((node.left, node.right), (node.right, node.left)):
                path, values = field_path(one), written(other)
                if path is not None and values is not None:
                    found.setdefault(path, set()).update(values)
        elif isinstance(node, n.Binary | n.Call | n.Block | n.Conditional):
            waiting.extend(n.children(node))
    return found


def split(data: Type, fields: dict[Path, set[str | float]]) -> list[Case]:
    """Return the cases of a type; together they hold all of it."""
    cases: list[Case] = []
    for kind in data.kinds:
        only = Type((kind,))
        choices: list[list[tuple[Path, Type]]] = []
        size = 1
        for path, values in fields.items():
            parts = _parts(at(only, path), values)
            if len(parts) > 1 and size * len(parts) <= _MOST:
                choices.append([(path, part) for part in parts])
                size *= len(parts)
        cases += [_case(only, dict(chosen)) for chosen in product(*choices)]
    return cases


def at(data: Type, path: Path) -> Type | None:
    """Return the type of a field; None when it cannot be followed to one place."""
    missing = False
    for name in path:
        there = data.present.kinds
        if len(there) != 1 or not isinstance(there[0], Object):
            return None
        missing = missing or data.may_miss
        data = there[0].field(name)
    if data.is_unknown:
        return None
    return Type((*data.present.kinds, Missing())) if missing or data.may_miss else data


def _case(data: Type, picked: dict[Path, Type]) -> Case:
    for path, part in picked.items():
        data = _with(data, path, part)
    return Case(data, picked)


def _with(data: Type, path: Path, part: Type) -> Type:
    holder = data.present.kinds[0]
    if not path or not isinstance(holder, Object):
        return part
    inner = _with(holder.field(path[0]), path[1:], part) if len(path) > 1 else part
    found = Object({**holder.fields, path[0]: inner}, holder.rest)
    if part == NOTHING and data.may_miss:
        return Type((found, Missing()))
    return Type((found,))


def written(node: n.Node) -> set[str | float] | None:
    """Return the values that are written out in an expression; None for any other."""
    if isinstance(node, n.Literal):
        is_value = isinstance(node.value, str | float) and not isinstance(node.value, bool)
        return {node.value} if is_value and node.value is not None else set()
    if isinstance(node, n.Negative) and isinstance(node.operand, n.Literal):
        operand = node.operand.value
        return {-operand} if isinstance(operand, float) else None
    if isinstance(node, n.ListOf):
        parts = [written(each) for each in node.items]
        return None if None in parts else {value for part in parts if part for value in part}
    return None


def _parts(found: Type | None, values: Iterable[str | float]) -> list[Type]:
    if found is None:
        return []
    parts: list[Type] = []
    for kind in found.kinds:
        if isinstance(kind, Text):
            parts += _texts(kind, [each for each in values if isinstance(each, str)])
        elif isinstance(kind, Number):
            parts += _numbers(kind, [each for each in values if not isinstance(each, str)])
        elif isinstance(kind, Bool):
            parts += [of_value(each) for each in sorted(kind.values)]
        elif isinstance(kind, Null | Missing):
            parts.append(Type((kind,)))
        else:
            return []
    return parts


def _texts(kind: Text, written: list[str]) -> Iterator[Type]:
    if kind.values is not None:
        yield from (of_value(each) for each in sorted(kind.values))
        return
    found = (intersection(Type((kind,)), of_value(each)) for each in sorted(written))
    yield from (each for each in found if each.kinds)
    others = dumps({"not": {"enum": sorted(written)}})
    yield Type((Text(None, (*kind.rules, others), filled=kind.filled or "" in written),))


def _numbers(kind: Number, written: list[float]) -> Iterator[Type]:
    if kind.values is not None:
        yield from (of_value(each) for each in sorted(kind.values))
        return
    cuts = sorted({float(each) for each in written})
    spans = [Number(each, each, values=frozenset({each})) for each in cuts]
    for low, high in pairwise((-inf, *cuts, inf)):
        if kind.whole and high - low <= 1 and low == int(low):
            continue  # there is no integer between two neighbours
        spans.append(Number(low, high, above=low > -inf, below=high < inf))
    found = (intersection(Type((kind,)), Type((each,))) for each in spans)
    yield from (each for each in found if each.kinds)
