"""From an expression to its tree, and from a field of its result to its place in the text."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from crossdock.mesh.jsonata_syntax import NotUnderstoodError, nodes, parse


class Tree(msgspec.Struct, frozen=True, eq=False):
    """An expression as a tree.

    Attributes:
        root: Its node.
        assigned: Variables that it sets somewhere.
        binds: It has ``@`` or ``#``, which change what the steps behind them are relative to.
    """

    root: nodes.Node
    assigned: frozenset[str]
    binds: bool


@lru_cache(maxsize=1024)
def tree_of(text: str) -> Tree | None:
    """Return the tree of an expression; None when checks do not understand it."""
    try:
        root = parse(text)
    except NotUnderstoodError:
        return None
    found = list(nodes.walk(root))
    return Tree(
        root=root,
        assigned=frozenset(each.name for each in found if isinstance(each, nodes.Assign)),
        binds=any(isinstance(each, nodes.Bind) for each in found),
    )


def place_of(tree: Tree, path: tuple[str, ...]) -> int:
    """Return where in the text a field of the result is written, or what it is written in."""
    here = _result(tree.root)
    at = here.at
    for name in path:
        pairs = here.pairs if isinstance(here, nodes.ObjectOf) else ()
        found = [pair for pair in pairs if getattr(pair[0], "value", None) == name]
        if not found:
            break
        at = found[0][0].at
        here = _result(found[0][1])
    return at


def _result(node: nodes.Node) -> nodes.Node:
    """Return what gives the value of a node: the last of a block, the step of a path."""
    while True:
        if isinstance(node, nodes.Block) and node.expressions:
            node = node.expressions[-1]
        elif isinstance(node, nodes.Dot) and isinstance(node.step, nodes.ObjectOf):
            node = node.step
        else:
            return node


def field_path(node: nodes.Node) -> tuple[str, ...] | None:
    """Return the path of a node that is nothing but names with dots; None for any other."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Dot) and isinstance(node.step, nodes.Name):
        if isinstance(node.source, nodes.Variable) and node.source.name in ("", "$"):
            return (node.step.name,)
        source = field_path(node.source)
        return None if source is None else (*source, node.step.name)
    return None
