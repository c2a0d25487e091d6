"""From a contract's JSON Schema to the type of the data that it accepts.

What a schema demands in a way that types cannot say (``not``, ``if``, ``contains``, lengths of
lists) is left out: the type then holds more than the schema accepts, never less. A schema that
speaks of properties and gives no ``type`` is taken to mean objects.
"""

from __future__ import annotations

import json
import posixpath
from math import inf
from typing import Any, Final

from crossdock.router.checking.intersecting import intersection
from crossdock.router.checking.making import of_value, optional, union
from crossdock.router.checking.types import ANYTHING, Bool, List, Null, Number, Object, Text, Type

_OBJECT_WORDS: Final = frozenset(
    {"properties", "required", "additionalProperties", "patternProperties"}
)
_TEXT_RULES: Final = ("pattern", "format", "minLength", "maxLength")
_DRAFT_7: Final = "draft-07"


def type_of_schema(schema: dict[str, Any]) -> Type:
    """Return the type of what a schema accepts."""
    return _Reader(schema).read(schema, str(schema.get("$id", "")))


class _Reader:
    """Reads one schema; follows its references within it."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._only_reference = _DRAFT_7 in str(root.get("$schema", ""))
        self._open: set[str] = set()
        self._known: dict[str, Type] = {}

    def read(self, schema: object, base: str) -> Type:
        if not isinstance(schema, dict):
            return ANYTHING if schema is not False else Type(())
        found = self._own(schema, base)
        if "$ref" in schema:
            referred = self._reference(str(schema["$ref"]), base)
            found = referred if self._only_reference else intersection(found, referred)
        for each in schema.get("allOf", ()):
            found = intersection(found, self.read(each, base))
        for word in ("anyOf", "oneOf"):
            if word in schema:
                forms = union(*(self.read(each, base) for each in schema[word]))
                found = intersection(found, forms)
        if "enum" in schema or "const" in schema:
            values = schema["enum"] if "enum" in schema else [schema["const"]]
            found = intersection(found, union(*map(of_value, values)))
        return self._closed(schema, found)

    def _own(self, schema: dict[str, Any], base: str) -> Type:
        named = schema.get("type")
        names = [named] if isinstance(named, str) else named
        if names is None:
            if _OBJECT_WORDS.isdisjoint(schema):
                return ANYTHING
            names = ["object"]
        return union(*(self._named(name, schema, base) for name in names))

    def _named(self, name: str, schema: dict[str, Any], base: str) -> Type:
        if name == "object":
            return Type((self._object(schema, base),))
        if name == "array":
            return Type((self._list(schema, base),))
        if name == "string":
            rules = {word: schema[word] for word in _TEXT_RULES if word in schema}
            kept = tuple(json.dumps({word: rule}) for word, rule in rules.items())
            return Type((Text(None, kept, filled=schema.get("minLength", 0) > 0),))
        if name in ("number", "integer"):
            return Type((_number(schema, whole=name == "integer"),))
        return Type((Bool() if name == "boolean" else Null(),))

    def _object(self, schema: dict[str, Any], base: str) -> Object:
        required = schema.get("required", ())
        fields = {
            name: self.read(each, base) for name, each in schema.get("properties", {}).items()
        }
        rest = self.read(schema.get("additionalProperties", True), base)
        if "patternProperties" in schema:
            rest = ANYTHING
        fields |= {name: rest for name in required if name not in fields and rest.kinds}
        kept = {name: each for name, each in fields.items() if name in required or each.kinds}
        return Object(
            {name: each if name in required else optional(each) for name, each in kept.items()},
            optional(rest) if rest.kinds else None,
        )

    def _list(self, schema: dict[str, Any], base: str) -> List:
        first = schema.get("prefixItems", ())
        rest: object = schema.get("items", True)
        if isinstance(rest, list):  # draft-07
            first, rest = rest, schema.get("additionalItems", True)
        parts = [self.read(each, base) for each in (*first, rest)]
        return List(union(*parts), int(schema.get("minItems", 0)))

    def _closed(self, schema: dict[str, Any], found: Type) -> Type:
        """Close objects that list their fields in several places and allow no other."""
        if schema.get("unevaluatedProperties") is not False or "if" in schema:
            return found
        kinds = (Object(k.fields) if isinstance(k, Object) else k for k in found.kinds)
        return Type(tuple(kinds)) if "dependentSchemas" not in schema else found

    def _reference(self, reference: str, base: str) -> Type:
        file, _, path = reference.partition("#")
        key = f"{_joined(base, file)}#{path}"
        if key in self._open:
            return ANYTHING  # a type that holds itself: known to one level
        if key not in self._known:
            self._open.add(key)
            resource = self._resource(_joined(base, file))
            target = _at(resource, path)
            self._known[key] = self.read(target, _joined(base, file))
            self._open.discard(key)
        return self._known[key]

    def _resource(self, uri: str) -> object:
        if uri == str(self._root.get("$id", "")):
            return self._root
        inside = {**self._root.get("definitions", {}), **self._root.get("$defs", {})}
        return next((each for each in inside.values() if _id(each) == uri), True)


def _number(schema: dict[str, Any], *, whole: bool) -> Number:
    low, above = schema.get("minimum", -inf), False
    high, below = schema.get("maximum", inf), False
    if schema.get("exclusiveMinimum", -inf) >= low and "exclusiveMinimum" in schema:
        low, above = schema["exclusiveMinimum"], True
    if schema.get("exclusiveMaximum", inf) <= high and "exclusiveMaximum" in schema:
        high, below = schema["exclusiveMaximum"], True
    return Number(low, high, above=above, below=below, whole=whole)


def _id(schema: object) -> str:
    return str(schema.get("$id", "")) if isinstance(schema, dict) else ""


def _joined(base: str, file: str) -> str:
    if not file:
        return base
    if ":" in file:
        return file
    scheme, _, path = base.rpartition(":/")
    return f"{scheme}:/{posixpath.normpath(posixpath.join(posixpath.dirname(path), file))}"


def _at(schema: object, path: str) -> object:
    """Follow a JSON Pointer; what cannot be followed accepts everything."""
    for step in path.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(schema, dict) and key in schema:
            schema = schema[key]
        elif isinstance(schema, list) and key.isdecimal() and int(key) < len(schema):
            schema = schema[int(key)]
        else:
            return True
    return schema if not path or path.startswith("/") else True
