"""Makes a schema ready for the generator of types: what it could not mean well, it does not see."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from crossdock.cli.type_limits import FORMATS, TEXT_RULES, is_field_name
from crossdock.mesh.catalogue.embedding import embedded, parts_of
from crossdock.mesh.catalogue.schema_fields import target_of

MODULE: Final = "crossdock_types"
OPEN, CLOSED = "_Open", "_Closed"
_BASE: Final = "customBasePath"  # the generator's keyword for a class to derive from
_KNOWN: Final = frozenset(
    {
        "$defs",
        "$ref",
        "$schema",
        "additionalProperties",
        "allOf",
        "anyOf",
        "const",
        "definitions",
        "description",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "multipleOf",
        "oneOf",
        "pattern",
        "prefixItems",
        "properties",
        "required",
        "type",
    }
)
_OF_ONE_TYPE: Final = frozenset(
    {
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "multipleOf",
        "pattern",
        "prefixItems",
    }
)


def prepared(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with standard keywords only, and with a base class for each object.

    The generator has keywords of its own, with which a schema could name code to import: none of
    the schema's author reaches it.

    Args:
        schema: Whole in itself; its references are JSON Pointers or files that are embedded.
    """
    copy: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(embedded(schema, "#", "")))
    copy = {**_resolved(copy, copy), **{key: copy[key] for key in copy.keys() - {"$ref"}}}
    for _, part in list(parts_of(copy)):
        closed = part.get("additionalProperties") is False and "patternProperties" not in part
        for keyword in part.keys() - _KNOWN:
            del part[keyword]
        if "type" not in part:  # then these hold for values of one type, and others are valid, too
            for keyword in part.keys() & _OF_ONE_TYPE:
                del part[keyword]
        if "properties" in part:
            _prepare_object(part, closed=closed)
        if "format" in part:
            exact = part["format"] in FORMATS and set(_kinds(part)) <= {"string", "null"}
            for keyword in TEXT_RULES if exact else ("format",):
                part.pop(keyword, None)
        for keyword in ("anyOf", "oneOf"):
            if keyword in part and not _decodable(copy, part[keyword]):
                del part[keyword]
    return copy


def _prepare_object(part: dict[str, Any], *, closed: bool) -> None:
    bad = [name for name in part["properties"] if not is_field_name(name)]
    for name in bad:
        del part["properties"][name]
    if "required" in part:
        part["required"] = [name for name in part["required"] if is_field_name(name)]
    part[_BASE] = f"{MODULE}.{CLOSED if closed and not bad else OPEN}"


def _decodable(root: dict[str, Any], forms: list[Any]) -> bool:
    """Tell whether msgspec can tell these forms apart: by their JSON type, or by a tag."""
    whole = [_resolved(root, each) for each in forms]
    kinds = [kind for each in whole for kind in _kinds(each)]
    twice = {each for each in kinds if kinds.count(each) > 1}
    return not twice or (twice == {"object"} and _tagged(whole))


def _resolved(root: dict[str, Any], part: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON-like
    seen = set()
    while isinstance(part, dict) and isinstance(part.get("$ref"), str):
        if part["$ref"] in seen:
            return {}
        seen.add(part["$ref"])
        part = target_of(root, part["$ref"])
    return part if isinstance(part, dict) else {}


def _kinds(part: dict[str, Any]) -> list[str]:
    kinds = part.get("type", "object" if "properties" in part else "any")
    return kinds if isinstance(kinds, list) else [kinds]


def _tagged(forms: list[dict[str, Any]]) -> bool:
    """Tell whether one required member says by a text of its own which of the forms it is."""
    tags = [
        {
            (name, each["const"])
            for name, each in form.get("properties", {}).items()
            if isinstance(each, dict)
            and isinstance(each.get("const"), str)
            and name in form.get("required", ())
        }
        for form in forms
        if "object" in _kinds(form)
    ]
    names = set.intersection(*({name for name, _ in each} for each in tags))
    return any(
        len({tag for each in tags for tag in each if tag[0] == n}) == len(tags) for n in names
    )
