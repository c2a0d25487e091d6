"""Makes a first schema from documents; a person then corrects it.

What all of them have is required, what some have is not, and nothing else is let in. Limits and
choices cannot be told from examples, so none are made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import jsonschema_rs

from crossdock.contracts.contract import DEFAULT_DRAFT
from crossdock.contracts.schema_parts import type_of

# Only what text has by accident seldom: every text is a hostname or a relative URI, too.
_FORMATS: Final = ("date-time", "date", "email", "uuid", "uri", "ipv4")
_ORDER: Final = ("object", "array", "string", "number", "integer", "boolean", "null")


def inferred(documents: Sequence[Any], title: str) -> dict[str, Any]:
    """Return a schema, draft 2020-12, that accepts all of these documents.

    Args:
        documents: JSON values; at least one.
        title: What the contract is called.
    """
    return {"$schema": DEFAULT_DRAFT, "title": title, **_schema(documents)}


def _schema(values: Sequence[Any]) -> dict[str, Any]:
    kinds = {type_of(each) for each in values}
    if "number" in kinds:
        kinds.discard("integer")
    names = [each for each in _ORDER if each in kinds]
    schema: dict[str, Any] = {"type": names[0] if len(names) == 1 else names}
    if texts := [each for each in values if isinstance(each, str)]:
        schema |= _text(texts)
    if objects := [each for each in values if isinstance(each, dict)]:
        schema |= _object(objects)
    if items := [item for each in values if isinstance(each, list) for item in each]:
        schema["items"] = _schema(items)
    return schema if values else {}


def _object(objects: list[dict[str, Any]]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for each in objects for name in each))
    properties = {name: _schema([each[name] for each in objects if name in each]) for name in names}
    required = [name for name in names if all(name in each for each in objects)]
    return {"required": required, "properties": properties, "additionalProperties": False}


def _text(texts: list[str]) -> dict[str, Any]:
    for name in _FORMATS:
        validator = jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True)
        if all(validator.is_valid(each) for each in texts):
            return {"format": name}
    return {}
