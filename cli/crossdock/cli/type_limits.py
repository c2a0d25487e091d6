"""What a JSON Schema says and msgspec's types cannot: told to the developer who relies on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from crossdock.mesh.catalogue.embedding import parts_of

FORMATS: Final = frozenset({"date", "date-time", "time"})
"""Formats that are types of their own."""
_NO_NAME: Final = re.compile(r'[\\"\x00-\x1f]')
TEXT_RULES: Final = ("pattern", "minLength", "maxLength")
"""What is said of texts and cannot be said of such a type."""
_NEVER: Final = (
    "additionalItems",
    "allOf",
    "anyOf",
    "contains",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "if",
    "maxProperties",
    "minProperties",
    "not",
    "oneOf",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
)


def is_field_name(name: str) -> bool:
    """Tell whether msgspec takes a text as the name of a member."""
    return not _NO_NAME.search(name)


def limits_of(schema: dict[str, Any]) -> tuple[str, ...]:
    """Return what generated types leave unchecked, or check only in part: pointer and keyword."""
    found = (
        f"{at or 'the whole'}: {text}" for at, part in parts_of(schema) for text in _unchecked(part)
    )
    return tuple(dict.fromkeys(found))


def _unchecked(part: dict[str, Any]) -> Iterator[str]:
    yield from (keyword for keyword in _NEVER if keyword in part)
    if "format" in part:
        if part["format"] in FORMATS:
            yield from (each for each in TEXT_RULES if each in part)
        else:
            yield f"format {part['format']}"
    if "properties" in part:
        yield from _unchecked_members(part)
    if isinstance(part.get("items"), list):
        yield "items"
    if not set(part.get("required", ())) <= set(part.get("properties", ())):
        yield "required"
    values = [*part.get("enum", ()), *([part["const"]] if "const" in part else [])]
    if any(not isinstance(each, str | int) or isinstance(each, bool) for each in values):
        yield "const" if "const" in part else "enum"
    if "$ref" in part and len(part.keys() - {"title", "description"}) > 1:
        yield "what stands beside $ref"


def _unchecked_members(part: dict[str, Any]) -> Iterator[str]:
    if not all(map(is_field_name, part["properties"])):
        yield "a property whose name types cannot have"
    if False in part["properties"].values():
        yield "a property that must not be there"
    if "type" not in part:
        yield "no type is said; only objects are taken here"
    if isinstance(part.get("additionalProperties"), dict):
        yield "additionalProperties"
