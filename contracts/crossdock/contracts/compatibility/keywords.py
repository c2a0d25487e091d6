"""What decides which values a schema accepts, and what only describes it."""

from __future__ import annotations

from typing import Any, Final

from crossdock.contracts.schema_walk import Schema, subschemas

#: Say something about a schema, and nothing about what is valid.
ANNOTATIONS: Final = frozenset(
    {"$comment", "$defs", "definitions", "default", "deprecated", "description", "examples"}
    | {"readOnly", "title", "writeOnly", "$schema", "$id", "$anchor", "$vocabulary"}
)

_SAID_ONLY: Final = frozenset(
    {"$comment", "default", "deprecated", "description", "examples", "readOnly", "title"}
    | {"writeOnly"}
)


def is_open(schema: Schema) -> bool:
    """Tell whether a schema says nothing."""
    return schema is True or schema == {}


def is_partial(schema: Schema) -> bool:
    """Tell whether a schema says something, but not that there may be nothing."""
    return not isinstance(schema, bool) and bool(schema)


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
