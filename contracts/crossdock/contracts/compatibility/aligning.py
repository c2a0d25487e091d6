"""Makes two schemas list the same properties, so that they are easier to compare.

What a schema says of a property by a pattern for names, or as one of the others, is said once more
for each property that the other schema lists. That changes nothing of what is valid.
"""

from __future__ import annotations

from typing import Any, Final

from crossdock.contracts.compatibility.document import matches
from crossdock.contracts.schema_walk import Schema, Steps, subschemas

_MOST_NAMES: Final = 500


def aligned(one: Schema, other: Schema) -> tuple[Schema, Schema]:
    """Return the two schemas with the same properties listed wherever they say the same place.

    Args:
        one: A schema without references.
        other: Another.
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return one, other
    names = {**(one.get("properties") or {}), **(other.get("properties") or {})}
    ours, theirs = _listing(one, list(names)), _listing(other, list(names))
    there = dict(subschemas(theirs))
    for steps, schema in list(subschemas(ours)):
        if steps in there:
            left, right = aligned(schema, there[steps])
            _put(ours, steps, left)
            _put(theirs, steps, right)
    return ours, theirs


def _listing(schema: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Return a copy, deep enough to be changed, that says of each name all that it says."""
    result = {k: v.copy() if isinstance(v, dict | list) else v for k, v in schema.items()}
    if not names or len(names) > _MOST_NAMES:
        return result
    patterns = schema.get("patternProperties") or {}
    listed: dict[str, Schema] = dict(schema.get("properties") or {})
    for name in names:
        said = [each for pattern, each in patterns.items() if matches(pattern, name)]
        if name in listed:
            said.insert(0, listed[name])
        elif not said and "additionalProperties" in schema:
            said.append(schema["additionalProperties"])
        if said:
            listed[name] = said[0] if len(said) == 1 else {"allOf": said}
    if listed:
        result["properties"] = listed
    return result


def _put(schema: dict[str, Any], steps: Steps, value: Schema) -> None:
    if len(steps) == 1:
        schema[steps[0]] = value
        return
    held = schema[steps[0]]
    held[int(steps[1]) if isinstance(held, list) else steps[1]] = value
