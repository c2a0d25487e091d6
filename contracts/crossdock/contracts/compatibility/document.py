"""A schema document and the places in it, read the same way whatever its draft."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any, Final

import jsonschema_rs
import msgspec

from crossdock.contracts.compatibility.keywords import ANNOTATIONS
from crossdock.contracts.compatibility.references import References, UnusableReferenceError
from crossdock.contracts.schema_walk import Schema, Steps, pointer_of, subschemas, value_at

DRAFT_7: Final = 7
DRAFT_2020: Final = 20
_DRAFT_7_URI: Final = "draft-07/schema"
_NEW_IN_2019: Final = frozenset(
    {"dependentRequired", "dependentSchemas", "minContains", "maxContains", "prefixItems"}
    | {"unevaluatedItems", "unevaluatedProperties", "$dynamicRef"}
)
_LEAVING: Final = frozenset({"unevaluatedItems", "unevaluatedProperties"})
_REFERENCES: Final = frozenset({"$ref", "$dynamicRef"})
_OLD_IN_2020: Final = frozenset({"additionalItems"})


class Node(msgspec.Struct, frozen=True, eq=False):
    """A schema, or a part of one, at its place in a document.

    Attributes:
        document: The document.
        pointer: JSON Pointer of the place.
        schema: What stands there, or some keywords of it.
    """

    document: Document
    pointer: str
    schema: Schema

    @property
    def keywords(self) -> dict[str, Any]:
        """The keywords; none for true, ``{"not": {}}`` for false."""
        if isinstance(self.schema, bool):
            return {} if self.schema else {"not": {}}
        if self.document.draft == DRAFT_7:
            if "$ref" in self.schema:  # draft-07: whatever stands beside it is ignored
                return {"$ref": self.schema["$ref"]}
            return _without(self.schema, _NEW_IN_2019)
        return _without(self.schema, _OLD_IN_2020)

    def get(self, keyword: str) -> Any:  # noqa: ANN401 - a keyword's value is of any type
        """Return a keyword's value, None when it is not there."""
        return self.keywords.get(keyword)

    def child(self, *steps: str) -> Node:
        """Return the schema that some steps lead to."""
        pointer = pointer_of(steps)
        return Node(self.document, self.pointer + pointer, value_at(self.schema, pointer))

    def only(self, *keywords: str) -> Node:
        """Return the same place with some of its keywords."""
        kept = {k: v for k, v in self.keywords.items() if k in keywords}
        return Node(self.document, self.pointer, kept)

    def with_schema(self, schema: Schema) -> Node:
        """Return the same place with another schema made of its parts."""
        return Node(self.document, self.pointer, schema)

    def target(self) -> Node | None:
        """Return what its reference leads to, None when it has none."""
        name = "$dynamicRef" if "$dynamicRef" in self.keywords else "$ref"
        if name not in self.keywords:
            return None
        pointer = self.document.references.local(self.pointer, {name: self.keywords[name]})
        return None if pointer is None else self.document.at(pointer)

    def resolved(self) -> Node:
        """Follow references as long as nothing that matters stands beside them."""
        seen = {self.pointer}
        node = self
        while set(node.keywords) - ANNOTATIONS in ({"$ref"}, {"$dynamicRef"}):
            target = next(node.parts(), None)
            if target is None or target.pointer in seen:
                break
            node = target
            seen.add(node.pointer)
        return node

    def parts(self) -> Iterator[Node]:
        """Yield the schemas that hold for the same value: by `allOf` and by reference.

        A reference that cannot be followed is left out; :meth:`target` tells.
        """
        for at in range(len(self.get("allOf") or ())):
            yield self.child("allOf", str(at))
        try:
            target = self.target()
        except UnusableReferenceError:
            return
        if target is not None:
            yield target

    def refers(self) -> bool:
        """Tell whether anything in it leads elsewhere."""
        return any(not _REFERENCES.isdisjoint(each.keywords) for each in _all_nodes(self))

    # Arrays, objects and dependencies are written in two ways.

    def prefix(self) -> list[Node]:
        """Return the schemas of the first items."""
        if isinstance(self.get("items"), list):
            return [self.child("items", str(at)) for at in range(len(self.get("items")))]
        return [
            self.child("prefixItems", str(at)) for at in range(len(self.get("prefixItems") or ()))
        ]

    @property
    def rest_keyword(self) -> str:
        """The keyword for the items after the first ones."""
        return "additionalItems" if isinstance(self.get("items"), list) else "items"

    def rest(self) -> Node | None:
        """Return the schema of the items after the first ones, None when it is not said."""
        return self.child(self.rest_keyword) if self.rest_keyword in self.keywords else None

    def named(self, keyword: str) -> dict[str, Node]:
        """Return the schemas of `properties` and its like, by name."""
        return {name: self.child(keyword, name) for name in self.get(keyword) or ()}

    def dependent_required(self) -> dict[str, list[str]]:
        """Return which properties ask for which."""
        return _split(self, list) | (self.get("dependentRequired") or {})

    def dependent_schemas(self) -> dict[str, Node]:
        """Return which properties ask for which schema."""
        there = {name: self.child("dependencies", name) for name in _split(self, (dict, bool))}
        return there | self.named("dependentSchemas")


class Document:
    """A schema with everything that it refers to inside it."""

    def __init__(self, root: Schema) -> None:
        """Take the schema; it compiles under its draft.

        Args:
            root: Draft 2020-12, also without ``$schema``, or draft-07.
        """
        self.draft = _draft_of(root, DRAFT_2020)
        self.references = References(root)
        self.root = Node(self, "", root)

    def at(self, pointer: str) -> Node:
        """Return the place that a JSON Pointer leads to.

        Raises:
            LookupError: It leads nowhere.
        """
        return Node(self, pointer, value_at(self.root.schema, pointer))

    @cached_property
    def mixed(self) -> bool:
        """Whether a part of it, such as a shared definition, is of another draft."""
        return any(_draft_of(each.schema, self.draft) != self.draft for each in _written(self.root))

    @cached_property
    def leaves_over(self) -> bool:
        """Whether a part of it speaks of what other keywords have not looked at."""
        return any(not _LEAVING.isdisjoint(each.keywords) for each in _written(self.root))

    @cached_property
    def recursive(self) -> frozenset[str]:
        """Places that a reference leads to from inside themselves."""
        targets = {target.pointer for node in _all_nodes(self.root) if (target := node.target())}
        return frozenset(each for each in targets if each in self._reached(each))

    def recurs(self, node: Node) -> bool:
        """Tell whether a place holds, or leads to, one that contains itself."""
        return bool(self.recursive) and any(
            (target := each.target()) is not None
            and (target.pointer in self.recursive or self.recursive & self._reached(target.pointer))
            for each in _all_nodes(node)
        )

    def _reached(self, pointer: str) -> frozenset[str]:
        seen: set[str] = set()
        waiting = [self.at(pointer)]
        while waiting:
            for node in _all_nodes(waiting.pop()):
                target = node.target()
                if target is not None and target.pointer not in seen:
                    seen.add(target.pointer)
                    waiting.append(target)
        return frozenset(seen)


@lru_cache(maxsize=1024)
def _pattern(pattern: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.Draft202012Validator({"pattern": pattern})


def matches(pattern: str, name: str) -> bool:
    """Tell whether a regular expression finds something in a name, as the validator does."""
    return _pattern(pattern).is_valid(name)


def children(node: Node) -> Iterator[tuple[Steps, Node]]:
    """Yield the places directly inside one, as its draft reads it."""
    for steps, schema in subschemas(_without(node.keywords, ANNOTATIONS)):
        yield steps, Node(node.document, node.pointer + pointer_of(steps), schema)


def _without(schema: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """Leave some keywords out; a copy is made only where there are any."""
    if names.isdisjoint(schema):
        return schema
    return {k: v for k, v in schema.items() if k not in names}


def _draft_of(schema: Schema, otherwise: int) -> int:
    named = schema.get("$schema") if isinstance(schema, dict) else None
    if named is None:
        return otherwise
    return DRAFT_7 if _DRAFT_7_URI in str(named) else DRAFT_2020


def _written(node: Node) -> Iterator[Node]:
    """Yield everything that is written in a place, whether anything leads to it or not."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        yield here
        waiting += [here.with_schema(each) for _, each in subschemas(here.schema)]


def _all_nodes(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        here = waiting.pop()
        yield here
        waiting += [each for _, each in children(here)]


def _split(node: Node, kind: type | tuple[type, ...]) -> dict[str, Any]:
    given = node.get("dependencies") or {}
    return {name: each for name, each in given.items() if isinstance(each, kind)}
