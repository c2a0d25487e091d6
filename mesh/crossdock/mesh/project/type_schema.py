"""JSON Schema of a settings type: what project files are checked against, and editors know.

``msgspec.json.schema`` cannot say defaults of our scalars (durations, sizes), hence this one. It
knows the types that settings are made of, and no more.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec.inspect as mi

from crossdock.mesh.project.scalars import Duration, Secret, Size

HINT = "x-hint"
_SIMPLE: dict[type[mi.Type], str] = {
    mi.NoneType: "null",
    mi.BoolType: "boolean",
    mi.IntType: "integer",
    mi.FloatType: "number",
    mi.StrType: "string",
}
_LIMITS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
    "pattern": "pattern",
}
_SIZES = {"string": "Length", "array": "Items", "object": "Properties"}


@lru_cache(maxsize=256)
def schema_of(settings: type) -> dict[str, Any]:
    """Return the JSON Schema, draft 2020-12, of a msgspec type.

    Raises:
        TypeError: When the type has a part that no project file can hold.
    """
    definitions: dict[str, Any] = {}
    root = _schema(mi.type_info(settings), definitions)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "$defs": definitions}


def _schema(info: mi.Type, definitions: dict[str, Any]) -> dict[str, Any]:
    if isinstance(info, mi.Metadata):
        return {**_schema(info.type, definitions), **(info.extra_json_schema or {})}
    if isinstance(info, mi.StructType):
        return _reference(info, definitions)
    if isinstance(info, mi.UnionType):
        return _union(info, definitions)
    if isinstance(info, mi.CollectionType | mi.TupleType | mi.DictType):
        return _container(info, definitions)
    return _leaf(info)


def _leaf(info: mi.Type) -> dict[str, Any]:
    if isinstance(info, mi.AnyType):
        return {}
    if isinstance(info, mi.LiteralType):
        return {"enum": list(info.values)}
    if isinstance(info, mi.EnumType):
        return {"enum": [each.value for each in info.cls]}
    if isinstance(info, mi.CustomType) and issubclass(info.cls, Duration | Size | Secret):
        return {"type": "string", "pattern": info.cls.PATTERN, HINT: info.cls.HINT}
    if isinstance(info, mi.DateType):
        return {
            "type": "string",
            "format": "date",
            HINT: "not a date: write for example 2027-06-30",
        }
    if type(info) in _SIMPLE:
        return {"type": _SIMPLE[type(info)], **_limits(info, _SIMPLE[type(info)])}
    raise TypeError(f"settings cannot hold {type(info).__name__}")


def _container(
    info: mi.CollectionType | mi.TupleType | mi.DictType, definitions: dict[str, Any]
) -> dict[str, Any]:
    if isinstance(info, mi.CollectionType):
        items = _schema(info.item_type, definitions)
        return {"type": "array", "items": items, **_limits(info, "array")}
    if isinstance(info, mi.TupleType):
        each = [_schema(item, definitions) for item in info.item_types]
        return {"type": "array", "prefixItems": each, "minItems": len(each), "maxItems": len(each)}
    values = _schema(info.value_type, definitions)
    keys = _limits(info.key_type, "string")
    names = {"propertyNames": keys} if keys else {}
    return {"type": "object", "additionalProperties": values, **names, **_limits(info, "object")}


def _limits(info: mi.Type, kind: str) -> dict[str, Any]:
    said = {word: getattr(info, name, None) for name, word in _LIMITS.items()}
    said["min" + _SIZES.get(kind, "")] = getattr(info, "min_length", None)
    said["max" + _SIZES.get(kind, "")] = getattr(info, "max_length", None)
    return {word: limit for word, limit in said.items() if limit is not None}


def _union(info: mi.UnionType, definitions: dict[str, Any]) -> dict[str, Any]:
    forms = [_schema(each, definitions) for each in info.types]
    rest = [each for each in forms if each != {"type": "null"}]
    if len(rest) == 1 and len(forms) > 1 and isinstance(rest[0].get("type"), str):
        return {**rest[0], "type": [rest[0]["type"], "null"]}  # one form: its messages stay exact
    return {"anyOf": forms}


def _reference(info: mi.StructType, definitions: dict[str, Any]) -> dict[str, Any]:
    name = f"{info.cls.__module__}.{info.cls.__qualname__}"
    if name not in definitions:
        definitions[name] = {}  # known from here on, so that a type may hold itself
        definitions[name] = _struct(info, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _struct(info: mi.StructType, definitions: dict[str, Any]) -> dict[str, Any]:
    properties = {each.encode_name: _schema(each.type, definitions) for each in info.fields}
    required = [each.encode_name for each in info.fields if each.required]
    if info.tag_field is not None:
        properties = {info.tag_field: {"enum": [info.tag]}, **properties}
        required = [info.tag_field, *required]
    result = {"type": "object", "properties": properties, "required": required}
    return {**result, "additionalProperties": False} if info.forbid_unknown_fields else result
