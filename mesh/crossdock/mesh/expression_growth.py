"""Finds expressions that repeat part of a message for each item of it (I8).

``lines.{"line": $, "order": $$}`` is as large as the square of the message, and the engine holds
all of it before its size can be told: a message of a megabyte would take gigabytes. What is
repeated is found in the tree of the expression when it is compiled; how large it is, in each
message. Only what is repeated by ``$$``, by ``%`` or by a variable that stands for a part of the
message is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import msgspec

from crossdock.mesh.jsonata_syntax import NotUnderstoodError, nodes, parse

MAX_GROWTH: Final = 4_000_000
"""Values that an expression may make by repeating a part of a message for each of its values."""
_REDUCING: Final = frozenset(
    {
        "average",
        "boolean",
        "count",
        "exists",
        "length",
        "lookup",
        "max",
        "min",
        "not",
        "sum",
        "type",
    }
)
_KEEPING: Final = frozenset({"&", "?:", "??", "~>"})
_MAY_REPEAT: Final = re.compile(r"%|\$\$|\$[A-Za-z_]\w*\b(?!\s*\()")
_WHOLE: Final = "$"
_PARENT: Final = "%"
Names: TypeAlias = tuple[str, ...]
Json: TypeAlias = Any


class _Part(msgspec.Struct, frozen=True):
    """A part of a message: ``$$.customer`` has the base ``$`` and one name.

    Attributes:
        base: ``$`` for the whole, ``%`` for a parent, or the name of a variable.
        names: The fields that lead from there.
    """

    base: str
    names: Names


def repeated_parts(text: str) -> tuple[_Part, ...]:
    """Return the parts of a message that an expression repeats for each item of something."""
    if not _MAY_REPEAT.search(text):
        return ()  # no tree is needed: most expressions are compiled in half the time
    try:
        root = parse(text)
    except NotUnderstoodError:
        return ()
    return tuple(dict.fromkeys(_Finder(root).find(root, repeats=False)))


def grows_too_large(
    parts: tuple[_Part, ...], value: Json, variables: dict[str, Json] | None
) -> bool:
    """Tell whether repeating parts of a message for each of its values makes too much of it.

    Args:
        parts: What is repeated.
        value: The message.
        variables: What the expression knows besides, without ``$``.
    """
    found = (each for part in parts for each in _found(part, value, variables or {}))
    largest = max(map(_size, found), default=0)
    return largest > 0 and largest * _size(value) > MAX_GROWTH


class _Finder:
    """Walks one expression."""

    def __init__(self, root: nodes.Node) -> None:
        every = list(nodes.walk(root))
        self._parameters = {
            name for each in every if isinstance(each, nodes.Lambda) for name in each.parameters
        }
        self._assigned: dict[str, _Part | None] = {}
        for each in every:
            if isinstance(each, nodes.Assign):
                self._assigned[each.name] = self._part(each.value)

    def find(self, node: nodes.Node, *, repeats: bool, after: Names = ()) -> Iterator[_Part]:
        """Yield what is repeated in a node.

        Args:
            node: The node.
            repeats: Whether it is evaluated for each item of something, and its result kept.
            after: The fields that are taken of its result.
        """
        if isinstance(node, nodes.Variable | nodes.Wildcard):
            part = self._part(node) if repeats else None
            if part is not None:
                yield _Part(part.base, part.names + after)
        elif isinstance(node, nodes.Dot) and isinstance(node.step, nodes.Name):
            yield from self.find(node.source, repeats=repeats, after=(node.step.name, *after))
        else:
            for each, again, names in _inside(node, repeats, after):
                yield from self.find(each, repeats=again, after=names)

    def _part(self, node: nodes.Node) -> _Part | None:
        """Return the part of a message that a node stands for, as far as that is known."""
        names: Names = ()
        while not isinstance(node, nodes.Variable | nodes.Wildcard | nodes.Name):
            if isinstance(node, nodes.Dot) and isinstance(node.step, nodes.Name):
                names = (node.step.name, *names)
            elif not isinstance(node, nodes.Filter | nodes.KeepList | nodes.Sort):
                return None
            node = node.source
        if isinstance(node, nodes.Name):
            return _Part(_WHOLE, (node.name, *names))
        if isinstance(node, nodes.Wildcard):
            return _Part(_PARENT, names) if node.sign == _PARENT else None
        if node.name in self._parameters or not node.name:
            return None
        known = self._assigned.get(node.name, _Part(node.name, ()))
        return None if known is None else _Part(known.base, known.names + names)


def _inside(
    node: nodes.Node,
    repeats: bool,  # noqa: FBT001 - private
    after: Names,
) -> Iterator[tuple[nodes.Node, bool, Names]]:
    """Yield what a node is made of: whether that repeats, and what is taken of it."""
    match node:
        case nodes.Dot():
            yield node.source, repeats, ()
            yield node.step, True, after
        case nodes.Filter() | nodes.KeepList() | nodes.Sort():
            yield node.source, repeats, after
            yield from ((each, False, ()) for each in nodes.children(node) if each != node.source)
        case nodes.Group() | nodes.ObjectOf():
            yield from ((key, False, ()) for key, _ in node.pairs)
            again = repeats or isinstance(node, nodes.Group)
            yield from ((value, again, ()) for _, value in node.pairs)
            if isinstance(node, nodes.Group):
                yield node.source, repeats, ()
        case nodes.Conditional():
            yield node.condition, False, ()
            yield node.then, repeats, after
            if node.otherwise is not None:
                yield node.otherwise, repeats, after
        case nodes.Block():
            yield from ((each, False, ()) for each in node.expressions[:-1])
            yield from ((each, repeats, after) for each in node.expressions[-1:])
        case _:
            again = _keeps(node) and (repeats or isinstance(node, nodes.Lambda | nodes.Transform))
            yield from ((each, again, ()) for each in nodes.children(node))


def _keeps(node: nodes.Node) -> bool:
    """Tell whether the result of a node may be as large as what it is made of."""
    if isinstance(node, nodes.Binary):
        return node.operator in _KEEPING
    if isinstance(node, nodes.Call):
        return getattr(node.function, "name", "") not in _REDUCING
    return not isinstance(node, nodes.Assign)


def _found(part: _Part, value: Json, variables: dict[str, Json]) -> Iterator[Json]:
    """Yield the objects and lists that a part is in a message."""
    if part.base == _PARENT:
        starts: list[Json] = [each for each in _walk(value) if isinstance(each, dict)]
    else:
        starts = [value if part.base == _WHOLE else variables.get(part.base)]
    for start in starts:
        found = start
        for name in part.names:
            if not isinstance(found, dict):
                break  # of a list the names are taken of each item: it is not larger than the list
            found = found.get(name)
        if isinstance(found, dict | list):
            yield found


def _size(value: Json) -> int:
    """Return how many values there are in one, itself included."""
    return sum(1 for _ in _walk(value))


def _walk(value: Json) -> Iterator[Json]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        yield each
        if isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
