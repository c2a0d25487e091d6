"""Walks through a schema: every part of it that is a schema itself, with its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from crossdock.contracts.violations import escaped

_Schema = dict[str, Any]
# Keywords that say more of the same value; what their owner says of its type holds in them too.
_SAME_LISTS: Final = ("allOf", "anyOf", "oneOf")
_SAME_SINGLE: Final = ("then", "else")
_SAME_MAPS: Final = ("dependentSchemas", "dependencies")
# Keywords that ask and do not say: a part of a description is usual there.
_ASKING: Final = ("if", "not", "contains", "propertyNames")
_BELOW_SINGLE: Final = (
    *("items", "additionalItems", "unevaluatedItems"),
    *("additionalProperties", "unevaluatedProperties"),
)
_BELOW_LISTS: Final = ("prefixItems", "items")
_BELOW_MAPS: Final = ("properties", "patternProperties", "$defs", "definitions")


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A schema within a schema.

    Attributes:
        schema: What it says.
        pointer: JSON Pointer to it from the root.
        types: Types that the value may have, as far as it and its owners say; None when unknown.
        whole: Whether it describes a value on its own, and is not one of several that do.
        asking: Whether it only asks whether a value fits, as `if` and `not` do.
    """

    schema: _Schema
    pointer: str = ""
    types: frozenset[str] | None = None
    whole: bool = True
    asking: bool = False


def parts_of(schema: _Schema) -> Iterator[Part]:
    """Yield every part of a schema, the whole first."""
    waiting = [_typed(Part(schema=schema))]
    while waiting:
        part = waiting.pop()
        yield part
        waiting += reversed([_typed(each) for each in _inner(part)])


def _typed(part: Part) -> Part:
    own = _types_of(part.schema)
    return part if own is None else msgspec.structs.replace(part, types=own)


def _inner(part: Part) -> Iterator[Part]:
    for keyword, value in part.schema.items():
        at = f"{part.pointer}/{escaped(keyword)}"
        if keyword in _SAME_LISTS or keyword in _SAME_MAPS:
            yield from _several(value, at, part.types, part, whole=False)
        elif keyword in _SAME_SINGLE:
            yield from _several({"": value}, at, part.types, part, whole=False)
        elif keyword in _ASKING:
            kept = part.types if keyword in ("if", "not") else None
            asking = msgspec.structs.replace(part, asking=True)
            yield from _several({"": value}, at, kept, asking, whole=False)
        elif keyword in _BELOW_MAPS or (keyword in _BELOW_LISTS and isinstance(value, list)):
            yield from _several(value, at, None, part, whole=True)
        elif keyword in _BELOW_SINGLE:
            yield from _several({"": value}, at, None, part, whole=True)


def _several(
    values: object, at: str, types: frozenset[str] | None, owner: Part, *, whole: bool
) -> Iterator[Part]:
    """Yield the schemas of a list or a map; that of a single keyword has the name ``""``."""
    named: list[tuple[str, Any]] = []
    if isinstance(values, dict):
        named = [(f"/{escaped(name)}" if name else "", each) for name, each in values.items()]
    elif isinstance(values, list):
        named = [(f"/{index}", each) for index, each in enumerate(values)]
    for step, each in named:
        if isinstance(each, dict):
            yield Part(
                schema=each, pointer=at + step, types=types, whole=whole, asking=owner.asking
            )


def _types_of(schema: _Schema) -> frozenset[str] | None:
    said = schema.get("type")
    if isinstance(said, str):
        return frozenset({said})
    if isinstance(said, list):
        return frozenset(each for each in said if isinstance(each, str))
    if "const" in schema:
        return frozenset({type_of(schema["const"])})
    if isinstance(values := schema.get("enum"), list):
        return frozenset(map(type_of, values))
    return None


def type_of(value: object) -> str:
    """Return JSON Schema's name of a JSON value's type; ``integer`` for a whole number."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "integer" if float(value).is_integer() else "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"
