"""Where JSON Schema keywords hold schemas (drafts 7 and 2020-12)."""

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
#: Say something about a schema, and nothing about what is valid.
ANNOTATIONS: Final = frozenset(
    {"$comment", "$defs", "definitions", "default", "deprecated", "description", "examples"}
    | {"readOnly", "title", "writeOnly", "$schema", "$id", "$anchor", "$vocabulary"}
)

_SAID_ONLY: Final = frozenset(
    {"$comment", "default", "deprecated", "description", "examples", "readOnly", "title"}
    | {"writeOnly"}
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


def is_open(schema: Schema) -> bool:
    """Tell whether a schema says nothing."""
    return schema is True or schema == {}


def is_partial(schema: Schema) -> bool:
    """Tell whether a schema says something, but not that there may be nothing."""
    return not isinstance(schema, bool) and bool(schema)


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


def meaning(schema: Schema) -> Any:  # noqa: ANN401 - compared, and nothing else
    """Return what decides which values are valid; two that are equal mean the same."""
    if isinstance(schema, bool):
        return tagged(schema)
    kept: dict[str, Any] = {k: tagged(v) for k, v in schema.items() if k not in _SAID_ONLY}
    for steps, each in subschemas(schema):
        if len(steps) == 1:
            kept[steps[0]] = meaning(each)
        else:
            held = kept[steps[0]]
            held[int(steps[1]) if isinstance(held, list) else steps[1]] = meaning(each)
    return kept


def tagged(value: object) -> Any:  # noqa: ANN401 - same
    """Return a JSON value that tells 1 from true, which Python holds for equal."""
    if isinstance(value, dict):
        return {k: tagged(v) for k, v in value.items()}
    if isinstance(value, list):
        return [tagged(each) for each in value]
    return ("boolean", value) if isinstance(value, bool) else value
