"""Writes a schema out, without references, so that it can be compared as a value."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from crossdock.contracts.compatibility.document import DRAFT_7, Document, Node, children
from crossdock.contracts.compatibility.keywords import ANNOTATIONS
from crossdock.contracts.schema_walk import Schema, Steps

MAX_SCHEMAS: Final = 20_000
#: Their schemas are about the same value; those of all other keywords are about one inside it.
IN_PLACE: Final = frozenset(
    {"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependencies", "dependentSchemas"}
)
#: Accepting more in these never makes the schema that holds them accept less.
_GROWING: Final = frozenset(
    {"additionalItems", "additionalProperties", "allOf", "anyOf", "dependencies"}
    | {"dependentSchemas", "else", "items", "patternProperties", "prefixItems", "properties"}
    | {"propertyNames", "then"}
)
#: Keywords that mean nothing without another one.
_TOGETHER: Final = {
    "if": ("if", "then", "else"),
    "contains": ("contains", "minContains", "maxContains"),
}
#: Draft-07 asserts the first two of strings, and knows no such format as the others.
_CONTENT: Final = ("contentEncoding", "contentMediaType")
_NEW_FORMATS: Final = ("duration", "uuid")


class TooComplexError(ValueError):
    """A schema cannot be written out."""


class CannotCutError(TooComplexError):
    """A schema contains itself where neither accepting more nor less is safe."""


class _Position(msgspec.Struct, frozen=True):
    """Where writing is, seen from the place that it began with.

    Attributes:
        above: References that led here.
        entered: Whether this is about a value inside the first one.
        growing: Whether accepting more here never makes the whole accept less.
        direct: Whether nothing but `allOf` and references lies between.
    """

    above: tuple[str, ...]
    entered: bool = False
    growing: bool = True
    direct: bool = True

    def below(self, node: Node, keyword: str) -> _Position:
        """Return the position of a schema under a keyword of the one here."""
        grows = keyword in _GROWING or (keyword == "contains" and node.get("maxContains") is None)
        return _Position(
            above=self.above,
            entered=self.entered or keyword not in IN_PLACE,
            growing=self.growing and grows,
            direct=self.direct and keyword == "allOf",
        )


class Expansion:
    """Writes out one place of a document.

    Where it leads to itself again it is cut: `true` or `false` stands there, whichever is safe.

    Attributes:
        size: How many schemas were written.
    """

    def __init__(
        self, document: Document, *, cut: bool, known: frozenset[str] = frozenset(), modern: bool
    ) -> None:
        """Say how to write.

        Args:
            document: The document.
            cut: What stands where it leads to itself: true makes the result accept more than the
                schema does, false less.
            known: Places that are compared on their own: true stands there.
            modern: Write draft-07 as 2020-12.
        """
        self._document = document
        self._cut = cut
        self._known = known
        self._modern = modern and document.draft == DRAFT_7
        self.size = 0

    def write(self, node: Node) -> Schema:
        """Return the schema, without references.

        Raises:
            TooComplexError: It is too large, or contains itself where no cut is safe.
        """
        return self._write(node, _Position(above=(node.pointer,)))

    def _write(self, node: Node, position: _Position) -> Schema:
        self.size += 1
        if self.size > MAX_SCHEMAS:
            raise TooComplexError("larger than can be compared")
        if isinstance(node.schema, bool):
            return node.schema
        written: dict[str, Any] = {
            k: v.copy() if isinstance(v, dict | list) else v
            for k, v in node.keywords.items()
            if k not in ANNOTATIONS and not k.startswith("$")
        }
        for steps, child in children(node):
            below = position.below(node, steps[0])
            if position.direct and not below.direct and child.pointer in self._known:
                _put(written, steps, value=True)
                continue
            try:
                _put(written, steps, self._write(child, below))
            except CannotCutError:
                if below.growing or not position.growing:
                    raise
                if not self._cut:
                    return False
                self._leave_out(written, steps[0])
        if self._modern:
            self._modernize(written, position)
        target = node.target()
        return written if target is None else _both(written, self._follow(target, position))

    def _leave_out(self, written: dict[str, Any], keyword: str) -> None:
        if self._document.leaves_over:  # what is left out would count as not looked at
            raise CannotCutError("contains itself where that decides what was looked at")
        for each in _TOGETHER.get(keyword, (keyword,)):
            written.pop(each, None)

    def _follow(self, target: Node, position: _Position) -> Schema:
        again = target.pointer in position.above
        if again or (position.entered and target.pointer in self._document.recursive):
            if not position.growing:
                raise CannotCutError("contains itself where that cannot be cut")
            return self._cut
        above = (*position.above, target.pointer)
        return self._write(target, msgspec.structs.replace(position, above=above))

    def _modernize(self, written: dict[str, Any], position: _Position) -> None:
        if isinstance(written.get("items"), list):
            written["prefixItems"] = written.pop("items")
            if "additionalItems" in written:
                written["items"] = written.pop("additionalItems")
        written.pop("additionalItems", None)
        if written.get("format") in _NEW_FORMATS:
            del written["format"]
        asserted = [written.pop(each, None) for each in _CONTENT]
        if asserted != [None, None] and position.growing != self._cut:
            raise TooComplexError("draft 2020-12 has nothing that asserts the content of a text")


def _put(written: dict[str, Any], steps: Steps, value: Schema) -> None:
    if steps[0] not in written:  # left out, for another schema of the same keyword
        return
    if len(steps) == 1:
        written[steps[0]] = value
        return
    held = written[steps[0]]
    held[int(steps[1]) if isinstance(held, list) else steps[1]] = value


def _both(written: dict[str, Any], target: Schema) -> Schema:
    if not written:
        return target
    return {**written, "allOf": [*written.get("allOf", ()), target]}
