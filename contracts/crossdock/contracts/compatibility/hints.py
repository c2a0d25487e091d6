"""What a schema says that is worth trying: its limits, names and listed values."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from crossdock.contracts.schema_walk import Schema, subschemas

_NUMBERS: Final = frozenset(
    {"maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf"}
)
_LENGTHS: Final = frozenset({"maxLength", "minLength"})
_COUNTS: Final = frozenset(
    {"maxItems", "minItems", "maxProperties", "minProperties", "maxContains", "minContains"}
)
_MOST: Final = 40
_LARGEST: Final = 200  # a longer text or list is no example for a person


class Hints(msgspec.Struct, frozen=True):
    """What a schema says that is worth trying.

    Attributes:
        numbers: Limits of numbers.
        lengths: Limits of lengths of texts.
        counts: Limits of how many items or properties.
        names: Names of properties.
        values: Listed values.
        patterns: Regular expressions.
        formats: Formats of texts.
    """

    numbers: tuple[float, ...] = ()
    lengths: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()
    patterns: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()


def hints_of(*schemas: Schema) -> Hints:
    """Collect what some schemas say.

    Args:
        schemas: Schemas, in the order of their weight.
    """
    found: dict[str, list[Any]] = {each: [] for each in Hints.__struct_fields__}
    waiting = list(reversed(schemas))
    while waiting:
        schema = waiting.pop()
        if isinstance(schema, dict):
            _collect(schema, found)
            waiting.extend(each for _, each in subschemas(schema))
    return Hints(**{name: tuple(_distinct(values)) for name, values in found.items()})


def _collect(schema: dict[str, Any], found: dict[str, list[Any]]) -> None:
    for keyword, value in schema.items():
        if keyword in _NUMBERS:
            found["numbers"].append(value)
        elif keyword in _LENGTHS | _COUNTS:
            if value <= _LARGEST:
                found["lengths" if keyword in _LENGTHS else "counts"].append(int(value))
        elif keyword in ("pattern", "format"):
            found[f"{keyword}s"].append(value)
    found["values"] += schema.get("enum") or ()
    found["values"] += [schema["const"]] if "const" in schema else []
    found["names"] += [*(schema.get("properties") or ()), *(schema.get("required") or ())]
    found["patterns"] += schema.get("patternProperties") or ()
    for keyword in ("dependentRequired", "dependencies"):
        for name, needed in (schema.get(keyword) or {}).items():
            found["names"] += [name, *(needed if isinstance(needed, list) else ())]


def _distinct(values: list[Any]) -> list[Any]:
    result: list[Any] = []
    for each in values:
        if not any(type(each) is type(other) and each == other for other in result):
            result.append(each)
        if len(result) == _MOST:
            break
    return result
