"""Puts a JSON Schema inside another document, so that its references still lead where they did.

A reference in a schema is relative to the schema, or to the ``$id`` of the part it stands in. Few
tools know that inside an OpenAPI or AsyncAPI document; what all of them follow is a JSON Pointer
from the document's root. So references, also those to an ``$id`` or an ``$anchor``, are rewritten
to such pointers. Only ``$dynamicRef`` has no pointer: a schema with one gets an ``$id`` of its own
instead, from which its references lead on (JSON Schema 2020-12, section 8.2.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urldefrag

import msgspec

from crossdock.contracts.contract import DEFAULT_DRAFT
from crossdock.contracts.schema_uri import joined

_DYNAMIC: Final = frozenset({"$dynamicAnchor", "$dynamicRef", "$recursiveAnchor", "$recursiveRef"})
_NAMES: Final = frozenset({"$anchor", "$id"})
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
_Targets: TypeAlias = dict[tuple[str, str], str]
_HOLDERS: Final = _MAPS | {
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
}
PROJECT: Final = "project:/"
"""What each ``$id`` begins with that a project's reader gives to the files it puts together."""


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
    if is_dynamic(schema):
        return {"$id": name, "$schema": schema.get("$schema", DEFAULT_DRAFT), **plain}
    rewritten: dict[str, Any] = _rewrite(plain, "", _targets(plain, at))
    return rewritten


def _default(key: str, value: object) -> bool:
    return key == "$schema" and str(value).rstrip("#") == DEFAULT_DRAFT


def is_dynamic(schema: dict[str, Any]) -> bool:
    """Tell whether a schema has references that no JSON Pointer can replace."""
    return any(not _DYNAMIC.isdisjoint(part) for _, part in parts_of(schema))


def _targets(schema: dict[str, Any], at: str) -> _Targets:
    """Return where the resources and anchors of a schema are, each by its URI and its fragment."""
    found: _Targets = {("", ""): at}
    waiting = [(at, schema, "")]
    while waiting:
        pointer, part, base = waiting.pop()
        own, anchor = urldefrag(str(part.get("$id", "")))
        if own:
            base = joined(base, own)
            found[base, ""] = pointer
        for name in (anchor, part.get("$anchor")):
            if name:
                found[base, name] = pointer
        waiting += [
            ("/".join((pointer, *map(_token, path))), child, base)
            for path, child in _children(part)
        ]
    return found


def _children(part: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield each schema directly inside a schema, with the way to it.

    What is inside data or an unknown keyword is none, whatever it looks like.
    """
    for key in part.keys() & _HOLDERS:
        value = part[key]
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


def _rewrite(part: Any, base: str, targets: _Targets, *, is_schema: bool = True) -> Any:  # noqa: ANN401 - JSON-like
    """Return a schema with its references rewritten; recursion is bounded by its reader's depth.

    Something below an unknown keyword is no schema, but a reference may make it one.
    """
    if not isinstance(part, dict):
        return part
    own = urldefrag(str(part.get("$id", ""))).url if is_schema else ""
    base = joined(base, own) if own else base
    result: dict[str, Any] = {}
    for key, value in part.items():
        inside = is_schema and key in _HOLDERS
        if key in _DATA:
            result[key] = value
        elif key == "$ref" and isinstance(value, str):
            result[key] = _reference(value, base, targets)
        elif key in _MAPS and isinstance(value, dict):
            result[key] = {
                name: _rewrite(each, base, targets, is_schema=inside)
                for name, each in value.items()
            }
        elif isinstance(value, list):
            result[key] = [_rewrite(each, base, targets, is_schema=inside) for each in value]
        elif key not in _NAMES:
            result[key] = _rewrite(value, base, targets, is_schema=inside)
    return result


def _reference(reference: str, base: str, targets: _Targets) -> str:
    target, fragment = urldefrag(reference)
    where = joined(base, target) if target else base
    if (where, "") not in targets and where != "":
        return reference  # to what everybody knows: a draft's own schema
    if not fragment or fragment.startswith("/"):
        return targets[where, ""] + fragment
    return targets.get((where, fragment), reference)
