"""Where a schema holds schemas (drafts 7 and 2020-12), and JSON Pointers to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

Schema = dict[str, Any] | bool
Steps = tuple[str, ...]

_ONE: Final = (
    "additionalItems",
    "additionalProperties",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
)
_LISTED: Final = ("allOf", "anyOf", "items", "oneOf", "prefixItems")
_NAMED: Final = (
    "$defs",
    "definitions",
    "dependencies",
    "dependentSchemas",
    "patternProperties",
    "properties",
)


def subschemas(schema: Schema) -> Iterator[tuple[Steps, Schema]]:
    """Yield the schemas directly inside a schema, each with the steps that lead to it."""
    if isinstance(schema, bool):
        return
    for keyword, value in schema.items():
        if keyword in _NAMED and isinstance(value, dict):
            for name, each in value.items():
                if isinstance(each, dict | bool):  # a list in `dependencies` holds names
                    yield (keyword, name), each
        elif keyword in _LISTED and isinstance(value, list):
            for at, each in enumerate(value):
                yield (keyword, str(at)), each
        elif keyword in _ONE:
            yield (keyword,), value


def pointer_of(steps: Steps) -> str:
    """Return the JSON Pointer (RFC 6901) of some steps."""
    return "".join("/" + each.replace("~", "~0").replace("/", "~1") for each in steps)


def steps_of(pointer: str) -> Steps:
    """Return the steps of a JSON Pointer."""
    steps = pointer.split("/")[1:]
    return tuple(each.replace("~1", "/").replace("~0", "~") for each in steps)


def value_at(root: object, pointer: str) -> Any:  # noqa: ANN401 - JSON is untyped
    """Return what a JSON Pointer leads to.

    Raises:
        LookupError: It leads nowhere.
    """
    value: Any = root
    for step in steps_of(pointer):
        if isinstance(value, list) and step.isdecimal():
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            break
    else:
        return value
    raise LookupError(pointer)
