"""Makes a schema whole: definition files that it refers to are embedded in it.

So a contract can be published, cached and compared as one value, and validating it needs no file.
Files may be referred to as editors understand it, relative to the schema's own file; only those in
``contracts/definitions/`` are, and nothing is ever fetched.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from typing import Any, Final

DEFINITIONS: Final = "contracts/definitions/"
_BASE: Final = "project:/"
_DRAFT_7: Final = "draft-07"


def embed(
    schema: dict[str, Any], file: str, read: Callable[[str], dict[str, Any]]
) -> dict[str, Any]:
    """Return the schema with every definition file that it needs inside it.

    Args:
        schema: The schema as written.
        file: Its path from the project folder.
        read: Reads a definition file by its path from the project folder.

    Raises:
        ValueError: When a reference leads elsewhere; with a text for the person who wrote it.
    """
    found: dict[str, dict[str, Any]] = {}
    waiting = [(schema, file)]
    while waiting:
        part, origin = waiting.pop()
        for target in _targets(part, origin):
            if target not in found:
                found[target] = read(target)
                waiting.append((found[target], target))
    if not found:
        return schema
    if "$id" in schema:
        raise ValueError("a schema that refers to files has no $id: remove it")
    inside = {target: {**each, "$id": _BASE + target} for target, each in found.items()}
    keyword = "definitions" if _DRAFT_7 in str(schema.get("$schema")) else "$defs"
    return {**schema, "$id": _BASE + file, keyword: {**schema.get(keyword, {}), **inside}}


def _targets(schema: dict[str, Any], file: str) -> Iterator[str]:
    for reference in _references(schema):
        target = reference.partition("#")[0]
        if not target:
            continue
        path = posixpath.normpath(posixpath.join(posixpath.dirname(file), target))
        if not path.startswith(DEFINITIONS):
            raise ValueError(
                f"$ref {reference[:100]!r} leads outside: refer to #/… or to a file in "
                f"{DEFINITIONS}, relative to this one"
            )
        yield path


def _references(schema: object) -> Iterator[str]:
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            reference = part.get("$ref")
            if isinstance(reference, str):
                yield reference
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
