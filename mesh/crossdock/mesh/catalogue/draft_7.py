"""Says a draft-07 schema in the words of draft 2020-12, for documents that know no other."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from crossdock.mesh.catalogue.embedding import PROJECT, parts_of

_MOVED: Final = re.compile(r"/(items/\d|additionalItems|dependencies/)")
_BESIDE_REF: Final = frozenset({"$ref", "$id", "$schema", "definitions", "title", "description"})


def modern(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema of draft 2020-12 that accepts the same; the given one is not changed.

    Args:
        schema: Of either draft. One that refers into what would move stays as it is.
    """
    if "draft-07" not in str(schema.get("$schema", "")):
        return schema
    copy: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(schema))
    parts = [part for _, part in parts_of(copy)]
    if any(_MOVED.search(str(part.get("$ref", ""))) for part in parts):
        return schema
    for part in parts:
        _change(part)
    del copy["$schema"]
    return copy


def _change(part: dict[str, Any]) -> None:
    if "$ref" in part:  # what stands beside it does not count in draft-07
        for keyword in part.keys() - _BESIDE_REF:
            del part[keyword]
        if not str(part.get("$id", "")).startswith(PROJECT):
            part.pop("$id", None)
    rest = part.pop("additionalItems", None)
    if isinstance(part.get("items"), list):
        part["prefixItems"] = part.pop("items")
        if rest is not None:
            part["items"] = rest
    dependencies = part.pop("dependencies", {})
    needed = {name: each for name, each in dependencies.items() if isinstance(each, list)}
    schemas = {name: each for name, each in dependencies.items() if not isinstance(each, list)}
    if needed:
        part["dependentRequired"] = needed
    if schemas:
        part["dependentSchemas"] = schemas
