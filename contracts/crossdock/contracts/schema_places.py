"""Which parts of a schema speak of a place in the data.

Follows what a schema says of the same value (`$ref`, `allOf`, `anyOf`, `if`, …) and of parts of it
(`properties`, `items`, …), also through recursion. Whether a branch applies to some document is not
asked: every part that may speak of the place is returned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from crossdock.contracts.schema_index import SchemaIndex

ANY: Final = "*"
_Schema = dict[str, Any]
_LISTS: Final = ("allOf", "anyOf", "oneOf")
_SINGLE: Final = ("if", "then", "else")
_REFERENCES: Final = ("$ref", "$dynamicRef")


class SchemaPlaces:
    """Looks up places of the data in one schema, which is whole in itself."""

    def __init__(self, schema: _Schema) -> None:
        """Take the schema, of draft 2020-12 or draft-07."""
        self._root = schema
        self._index = SchemaIndex(schema)

    def at(self, path: Sequence[str]) -> list[_Schema]:
        """Return the parts of the schema that speak of a place; none when it declares no such one.

        Args:
            path: Steps from the root of the data; ``*`` is every item of a list or every member of
                an object.
        """
        here = self.same([self._root])
        for step in path:
            here = self.same(part for each in here for part in _below(each, step))
        return here

    def same(self, parts: Iterable[_Schema]) -> list[_Schema]:
        """Return the parts, and all others that they apply to the same value."""
        found: dict[int, _Schema] = {}
        waiting = list(parts)
        while waiting:
            part = waiting.pop()
            if id(part) not in found:
                found[id(part)] = part
                waiting += self._applied(part)
        return list(found.values())

    def resolve(self, reference: str, part: _Schema) -> _Schema | None:
        """Return what a reference in a part of the schema leads to, None when nothing is there."""
        return self._index.resolve(reference, part)

    def _applied(self, part: _Schema) -> Iterator[_Schema]:
        for keyword in _REFERENCES:
            if isinstance(reference := part.get(keyword), str):
                target = self.resolve(reference, part)
                if target is not None:
                    yield target
        for keyword in _LISTS:
            yield from _schemas(part.get(keyword))
        yield from _schemas([part.get(keyword) for keyword in _SINGLE])
        for keyword in ("dependentSchemas", "dependencies"):
            yield from _schemas(_values(part.get(keyword)))


def _below(part: _Schema, step: str) -> Iterator[_Schema]:
    """Return the parts that speak of one member or item, or of every one."""
    properties, patterns = _object(part, "properties"), _object(part, "patternProperties")
    if step == ANY:
        yield from _schemas(_values(patterns))
        yield from _schemas([part.get(each) for each in ("items", "additionalItems")])
        yield from _schemas([part.get(each) for each in ("contains", "unevaluatedItems")])
        yield from _schemas(part.get("prefixItems"))
        yield from _schemas(part.get("items"))
        yield from _rest(part)
        return
    matching = [value for pattern, value in patterns.items() if _matches(pattern, step)]
    yield from _schemas([properties.get(step), *matching])
    if step not in properties and not matching:
        yield from _rest(part)
    if step.isdecimal():
        yield from _item(part, int(step))


def _item(part: _Schema, index: int) -> Iterator[_Schema]:
    first = part.get("prefixItems", part.get("items"))
    if isinstance(first, list) and index < len(first):
        yield from _schemas([first[index]])
    else:
        yield from _schemas([part.get(each) for each in ("items", "additionalItems")])


def _rest(part: _Schema) -> Iterator[_Schema]:
    yield from _schemas([part.get("additionalProperties"), part.get("unevaluatedProperties")])


def _schemas(values: object) -> Iterator[_Schema]:
    if isinstance(values, list):
        yield from (each for each in values if isinstance(each, dict))


def _values(value: object) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else []


def _object(part: _Schema, keyword: str) -> _Schema:
    value = part.get(keyword)
    return value if isinstance(value, dict) else {}


def _matches(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, name) is not None
    except re.error:  # patterns are ECMA's; few differ
        return True
