"""What a JSONata expression is made of: the tree that static checks read.

Each node says where it begins: ``at``, a character offset into the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import msgspec


class _Node(msgspec.Struct, frozen=True):
    """Frozen, and knows where it begins."""

    at: int


class Literal(_Node, frozen=True):
    """A text, number, ``true``, ``false`` or ``null``."""

    value: str | float | bool | None


class Regex(_Node, frozen=True):
    """A regular expression between slashes."""

    source: str


class Name(_Node, frozen=True):
    """A field of the context."""

    name: str


class Variable(_Node, frozen=True):
    """``$name``; ``""`` is the context ``$``, ``"$"`` is the root ``$$``."""

    name: str


class Wildcard(_Node, frozen=True):
    """``*``, ``**`` or the parent ``%``, as written."""

    sign: str


class Placeholder(_Node, frozen=True):
    """The ``?`` of a partial application."""


class Dot(_Node, frozen=True):
    """``source.step``: the step for each item of the source."""

    source: Node
    step: Node


class Filter(_Node, frozen=True):
    """``source[predicate]``, also an index."""

    source: Node
    predicate: Node


class KeepList(_Node, frozen=True):
    """``source[]``: a list also when it has one item."""

    source: Node


class Sort(_Node, frozen=True):
    """``source^(terms)``."""

    source: Node
    terms: tuple[Node, ...]


class Group(_Node, frozen=True):
    """``source{key: value}``."""

    source: Node
    pairs: tuple[tuple[Node, Node], ...]


class Bind(_Node, frozen=True):
    """``source@$name`` or ``source#$name``."""

    source: Node
    sign: str
    name: str


class Binary(_Node, frozen=True):
    """An operator between two operands, among them ``and``, ``or``, ``in`` and ``~>``."""

    operator: str
    left: Node
    right: Node


class Negative(_Node, frozen=True):
    """``-operand``."""

    operand: Node


class Conditional(_Node, frozen=True):
    """``condition ? then : otherwise``."""

    condition: Node
    then: Node
    otherwise: Node | None


class Range(_Node, frozen=True):
    """``first..last``, an item of a list."""

    first: Node
    last: Node


class ListOf(_Node, frozen=True):
    """``[items]``."""

    items: tuple[Node, ...]


class ObjectOf(_Node, frozen=True):
    """``{key: value}``."""

    pairs: tuple[tuple[Node, Node], ...]


class Block(_Node, frozen=True):
    """``(one; two)``: the value of the last."""

    expressions: tuple[Node, ...]


class Assign(_Node, frozen=True):
    """``$name := value``."""

    name: str
    value: Node


class Call(_Node, frozen=True):
    """``function(arguments)``."""

    function: Node
    arguments: tuple[Node, ...]


class Lambda(_Node, frozen=True):
    """``function($parameters){body}``."""

    parameters: tuple[str, ...]
    body: Node


class Transform(_Node, frozen=True):
    """``|place|update, delete|``."""

    place: Node
    update: Node
    delete: Node | None


Node: TypeAlias = (
    Literal
    | Regex
    | Name
    | Variable
    | Wildcard
    | Placeholder
    | Dot
    | Filter
    | KeepList
    | Sort
    | Group
    | Bind
    | Binary
    | Negative
    | Conditional
    | Range
    | ListOf
    | ObjectOf
    | Block
    | Assign
    | Call
    | Lambda
    | Transform
)


def children(node: Node) -> Iterator[Node]:
    """Return the nodes that a node is made of, in the order of the text."""
    waiting = [getattr(node, field) for field in node.__struct_fields__]
    for each in waiting:
        if isinstance(each, _Node):
            yield each  # type: ignore[misc] # every node is in the union
        elif isinstance(each, tuple):
            yield from (part for part in _flat(each) if isinstance(part, _Node))  # type: ignore[misc] # same


def walk(node: Node) -> Iterator[Node]:
    """Return a node and all below it."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        yield each
        waiting.extend(children(each))


def _flat(parts: tuple[object, ...]) -> Iterator[object]:
    for each in parts:
        if isinstance(each, tuple):
            yield from each
        else:
            yield each
