"""Makes a schema whole: definition files that it refers to are embedded in it.

So a contract can be published, cached and compared as one value, and validating it needs no file.
Files may be referred to as editors understand it, relative to the schema's own file; only those in
``contracts/definitions/`` are, and nothing is ever fetched. What has an ``$id`` or an anchor inside
the schema may be referred to by it. The schemas of JSON Schema itself are built in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from crossdock.contracts.schema_index import Reference, SchemaIndex

DEFINITIONS: Final = "contracts/definitions/"
_BASE: Final = "project:/"
_DRAFT_7: Final = "draft-07"
_BUILT_IN: Final = ("https://json-schema.org/draft/2020-12/", "http://json-schema.org/draft-07/")


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
    whole = SchemaIndex(schema, _BASE + file)
    found: dict[str, dict[str, Any]] = {}
    names: set[str] = set()
    others: list[Reference] = []
    waiting = [whole]
    while waiting:
        index = waiting.pop()
        names |= index.names()
        for reference in index.references:
            path = reference.uri.removeprefix(_BASE + DEFINITIONS)
            if path == reference.uri:
                others.append(reference)
            elif reference.uri not in names:
                found[reference.uri] = {**read(DEFINITIONS + path), "$id": reference.uri}
                waiting.append(SchemaIndex(found[reference.uri]))
    for reference in others:
        if reference.uri not in names and not reference.uri.startswith(_BUILT_IN):
            raise ValueError(_outside(reference, schema))
    if not found and all(each.uri != whole.base for each in others):
        return schema
    keyword = "definitions" if _DRAFT_7 in str(schema.get("$schema")) else "$defs"
    inside = {uri.removeprefix(_BASE): each for uri, each in found.items()}
    return {**schema, "$id": whole.base, keyword: {**schema.get(keyword, {}), **inside}}


def _outside(reference: Reference, schema: dict[str, Any]) -> str:
    text = (
        f"$ref {reference.text[:100]!r} leads outside: refer to #/… or to a file in {DEFINITIONS}, "
        "relative to this one"
    )
    return f"{text}, and remove $id, which changes where that is" if "$id" in schema else text
