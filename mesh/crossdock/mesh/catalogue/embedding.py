"""Puts a JSON Schema inside another document, so that its references still lead where they did.

A reference in a schema is relative to the schema, or to the ``$id`` of the part it stands in. Few
tools know that inside an OpenAPI or AsyncAPI document; what all of them follow is a JSON Pointer
from the document's root. So references are rewritten to such pointers. A schema that names its
parts in a way that no pointer can replace (``$anchor``, ``$dynamicRef``, an ``$id`` of its author)
gets an ``$id`` of its own instead, from which its references lead on (JSON Schema 2020-12, 8.2.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, urldefrag, urljoin

import msgspec

from crossdock.contracts.contract import DEFAULT_DRAFT

_NAMED_PARTS: Final = frozenset(
    {"$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$recursiveAnchor"}
)
_DATA: Final = frozenset({"const", "enum", "default", "examples", "example"})
_MAPS: Final = frozenset(
    {
        "$defs",
        "definitions",
        "dependencies",
        "dependentSchemas",
        "patternProperties",
        "properties",
    }
)
_MAY_REFER: Final = re.compile(rb'"\$(ref|id|anchor|dynamic|recursive)')
_OURS: Final = "project:/"  # the `$id` that a project's reader gives to what it puts together


def embedded(schema: dict[str, Any], at: str, name: str) -> dict[str, Any]:
    """Return a schema as it may stand in another document; the given one is not changed.

    Args:
        schema: Whole in itself, draft 2020-12 or draft-07.
        at: Where it will stand: a JSON Pointer as a fragment, ``#/components/schemas/x``.
        name: URI for it, used when its parts have names of their own.
    """
    plain = {key: value for key, value in schema.items() if not _default(key, value)}
    if not _MAY_REFER.search(msgspec.json.encode(plain)):  # most schemas: nothing to walk through
        return plain
    if names_its_parts(schema):
        return {"$id": name, "$schema": schema.get("$schema", DEFAULT_DRAFT), **plain}
    places = {str(part["$id"]): pointer for pointer, part in parts_of(plain, at) if "$id" in part}
    rewritten: dict[str, Any] = _rewrite(plain, str(schema.get("$id", "")), {**places, "": at})
    return rewritten


def _default(key: str, value: object) -> bool:
    return key == "$schema" and str(value).rstrip("#") == DEFAULT_DRAFT


def names_its_parts(schema: dict[str, Any]) -> bool:
    """Tell whether a schema names its parts in a way that no JSON Pointer can replace."""
    return any(_is_named(part) for _, part in parts_of(schema))


def _is_named(part: dict[str, Any]) -> bool:
    return not _NAMED_PARTS.isdisjoint(part) or (
        "$id" in part and not str(part["$id"]).startswith(_OURS)
    )


def _children(part: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield each schema directly inside a schema, with the way to it; never what is data."""
    for key, value in part.items():
        if key in _DATA:
            continue
        pairs: list[tuple[tuple[str, ...], Any]]
        if key in _MAPS and isinstance(value, dict):
            pairs = [((key, name), each) for name, each in value.items()]
        elif isinstance(value, list):
            pairs = [((key, str(index)), each) for index, each in enumerate(value)]
        else:
            pairs = [((key,), value)]
        yield from ((path, each) for path, each in pairs if isinstance(each, dict))


def parts_of(schema: dict[str, Any], at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema in a schema, itself first, each with the JSON Pointer to it.

    Args:
        schema: Where to begin; what is data in it (``const``, ``examples``, …) is passed over.
        at: What the pointers begin with.
    """
    waiting = [(at, schema)]
    while waiting:
        pointer, part = waiting.pop()
        yield pointer, part
        waiting += [
            ("/".join((pointer, *map(_token, path))), child) for path, child in _children(part)
        ]


def _token(name: str) -> str:
    return quote(name.replace("~", "~0").replace("/", "~1"), safe="~!$&'()*+,;=:@-._")


def _rewrite(part: Any, base: str, places: dict[str, str]) -> Any:  # noqa: ANN401 - JSON-like
    """Return a schema with its references rewritten; recursion is bounded by its reader's depth."""
    if not isinstance(part, dict):
        return part
    base = str(part.get("$id", base))
    result: dict[str, Any] = {}
    for key, value in part.items():
        if key in _DATA:
            result[key] = value
        elif key == "$ref" and isinstance(value, str):
            result[key] = _reference(value, base, places)
        elif key in _MAPS and isinstance(value, dict):
            result[key] = {name: _rewrite(each, base, places) for name, each in value.items()}
        elif isinstance(value, list):
            result[key] = [_rewrite(each, base, places) for each in value]
        elif key != "$id":
            result[key] = _rewrite(value, base, places)
    return result


def _reference(reference: str, base: str, places: dict[str, str]) -> str:
    target, fragment = urldefrag(reference)
    where = base if not target else _join(base, target)
    return places.get(where, places[""]) + fragment


def _join(base: str, target: str) -> str:
    """Resolve a relative file; the standard library does not for a scheme that it does not know."""
    if not base.startswith(_OURS):
        return target
    return _OURS + urljoin("/" + base.removeprefix(_OURS), target).removeprefix("/")
