"""Finds what expressions compare fields with: there they do one thing, and beside it another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from crossdock.mesh.expression import Json
from crossdock.mesh.jsonata_syntax import nodes as n
from crossdock.router.checking.cases import written
from crossdock.router.checking.operators import COMPARISONS
from crossdock.router.checking.trees import Tree

Asked: TypeAlias = dict[str, list[str | float]]
"""Values by the name of the field that they are compared with, wherever it is."""
_DEPTH: Final = 6


def asked_in(trees: Iterable[Tree]) -> Asked:
    """Return the values that expressions compare fields with."""
    found: Asked = {}
    for tree in trees:
        for node in n.walk(tree.root):
            if isinstance(node, n.Binary) and node.operator in COMPARISONS:
                for one, other in ((node.left, node.right), (node.right, node.left)):
                    name = _name(one)
                    if name:
                        found.setdefault(name, []).extend(sorted(written(other) or (), key=str))
    return found


def with_asked(value: Json, asked: Asked, depth: int = _DEPTH) -> Iterator[Json]:
    """Yield a document once more for each value that one of its fields is compared with.

    Of a number also the next ones: what holds from 100 on is other below it. Of a list the first
    item is changed.
    """
    if isinstance(value, list) and value and depth:
        yield from ([each, *value[1:]] for each in with_asked(value[0], asked, depth - 1))
    elif isinstance(value, dict) and depth:
        for name, there in value.items():
            for each in asked.get(name, ()):
                yield from ({**value, name: near} for near in _near(each, there))
            yield from ({**value, name: each} for each in with_asked(there, asked, depth - 1))


def _name(node: n.Node) -> str:
    while isinstance(node, n.Dot):
        node = node.step
    return node.name if isinstance(node, n.Name) else ""


def _near(asked: str | float, there: Json) -> Iterator[Json]:
    if isinstance(asked, str):
        yield asked
        return
    plain = int(asked) if asked == int(asked) else asked
    yield from (each for each in (plain, plain + 1, plain - 1) if each != there)
