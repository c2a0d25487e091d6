"""Makes a value for a schema, mostly one that fits; the contract decides whether it does."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, Final

from crossdock.contracts.sampling.numbers import number_of
from crossdock.contracts.sampling.texts import text_of
from crossdock.contracts.schema_places import SchemaPlaces

Json = Any
_Schema = dict[str, Any]
_MOST_NODES: Final = 2000  # I8
_DEEP: Final = 6
_MORE_ITEMS: Final = 2
_TRIES: Final = 20
_LISTED: Final = 50
_SIMPLE: Final = ("null", "boolean", "integer", "number", "string")


class ValueMaker:
    """Makes one value."""

    def __init__(self, places: SchemaPlaces, random: Random, share: float) -> None:
        """Take what it needs.

        Args:
            places: To follow the schema's references.
            random: Where chance comes from.
            share: Share of the optional members that are filled in, 0 to 1.
        """
        self._places = places
        self._random = random
        self._share = share
        self._nodes = 0

    def make(self, schema: Json, depth: int = 0) -> Json:
        """Return a value.

        Raises:
            ValueError: None can be made, with the reason.
        """
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise ValueError(f"it would have more than {_MOST_NODES} values")
        if not isinstance(schema, dict):
            if schema is False:
                raise ValueError("a part of the schema lets nothing in")
            return self._random.randint(1, 9)
        schema = self._plain(schema, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        return self._typed(self._type(schema, depth), schema, depth)

    def _plain(self, schema: _Schema, depth: int) -> _Schema:
        """Follow references and choose among forms, until a schema says it all itself."""
        for _ in range(_TRIES):
            if isinstance(reference := schema.get("$ref"), str):
                target = self._places.resolve(reference, schema)
                schema = _merged(_without(schema, "$ref"), target or {})
            elif forms := schema.get("anyOf") or schema.get("oneOf"):
                rest = _without(schema, "anyOf", "oneOf")
                chosen = self._form(forms, depth)
                schema = _merged(rest, chosen) if isinstance(chosen, dict) else rest
            elif parts := schema.get("allOf"):
                schema = _without(schema, "allOf")
                for each in parts:
                    schema = _merged(schema, each) if isinstance(each, dict) else schema
            else:
                return schema
        raise ValueError("its references go round in a circle")

    def _form(self, forms: list[Json], depth: int) -> Json:
        if depth < _DEEP:
            return self._random.choice(forms)
        simple = [each for each in forms if isinstance(each, dict) and _is_simple(each)]
        return self._random.choice(simple or forms)

    def _type(self, schema: _Schema, depth: int) -> str:
        said = schema.get("type")
        if isinstance(said, str):
            return said
        types = said if isinstance(said, list) else _implied(schema)
        if depth >= _DEEP:
            types = [each for each in types if each in _SIMPLE] or types
        return str(self._random.choice([each for each in types if each != "null"] or types))

    def _typed(self, kind: str, schema: _Schema, depth: int) -> Json:
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        if kind == "string":
            return text_of(schema, self._random)
        if kind in ("integer", "number"):
            return number_of(schema, self._random, whole=kind == "integer")
        return None if kind == "null" else self._random.random() < 0.5  # noqa: PLR2004 - a coin

    def _object(self, schema: _Schema, depth: int) -> dict[str, Json]:
        made: dict[str, Json] = {}
        properties: _Schema = schema.get("properties", {})
        share = self._share if depth < _DEEP else 0.0
        for name, part in properties.items():
            if name in schema.get("required", ()) or (
                part is not False and self._random.random() < share
            ):
                made[name] = self.make(part, depth + 1)
        for name in self._further_names(schema, made):
            made[name] = self.make(_member(schema, name), depth + 1)
        return made

    def _further_names(self, schema: _Schema, made: dict[str, Json]) -> Iterator[str]:
        """Yield the names that are required or missing in number, and not made yet."""
        properties: _Schema = schema.get("properties", {})
        yield from (each for each in schema.get("required", ()) if each not in properties)
        open_ones = [each for each, part in properties.items() if part is not False]
        for _ in range(_LISTED):
            if len(made) >= schema.get("minProperties", 0):
                return
            unused = [each for each in open_ones if each not in made]
            name = unused[0] if unused else self._name(schema)
            if name not in made:
                yield name

    def _name(self, schema: _Schema) -> str:
        names = schema.get("propertyNames")
        patterns = schema.get("patternProperties")
        if isinstance(names, dict):
            return str(self.make({"type": "string", **names}))
        if isinstance(patterns, dict) and patterns:
            return text_of({"pattern": next(iter(patterns))}, self._random)
        return text_of({"minLength": 1}, self._random)

    def _array(self, schema: _Schema, depth: int) -> list[Json]:
        items = schema.get("items", {})
        first = schema.get("prefixItems", items if isinstance(items, list) else [])
        rest = schema.get("additionalItems", {}) if isinstance(items, list) else items
        least = max(int(schema.get("minItems", 0)), 0)
        count = least + self._random.randint(0, _MORE_ITEMS if depth < _DEEP else 0)
        if rest is False:
            count = min(count, len(first))
        elif depth < _DEEP:
            count = max(count, len(first) or 1)
        count = min(count, int(schema.get("maxItems", count)))
        made = [self._item(part, schema, [], depth) for part in first[:count]]
        if "contains" in schema:
            for _ in range(min(int(schema.get("minContains", 1)), _LISTED)):
                part = _merged(rest if isinstance(rest, dict) else {}, schema["contains"])
                made.append(self._item(part, schema, made, depth))
        while len(made) < count:
            made.append(self._item(rest, schema, made, depth))
        return made

    def _item(self, part: Json, schema: _Schema, made: list[Json], depth: int) -> Json:
        value = self.make(part, depth + 1)
        for _ in range(_TRIES if schema.get("uniqueItems") else 0):
            if value not in made:
                break
            value = self.make(part, depth + 1)
        return value


def _member(schema: _Schema, name: str) -> Json:
    if name in schema.get("properties", {}):
        return schema["properties"][name]
    found = SchemaPlaces(schema).at((name,))
    return found[0] if found else {}


def _implied(schema: _Schema) -> list[str]:
    if "properties" in schema or "required" in schema:
        return ["object"]
    if "items" in schema or "prefixItems" in schema:
        return ["array"]
    if "minimum" in schema or "maximum" in schema:
        return ["number"]
    return ["string"]


def _is_simple(schema: _Schema) -> bool:
    said = schema.get("type")
    return said in _SIMPLE or "const" in schema or "enum" in schema


def _without(schema: _Schema, *keywords: str) -> _Schema:
    return {key: value for key, value in schema.items() if key not in keywords}


def _merged(one: _Schema, other: _Schema) -> _Schema:
    """Put two schemas of the same value into one, roughly: what the canonical form left apart."""
    result = {**one, **other}
    if "required" in one and "required" in other:
        result["required"] = list(dict.fromkeys([*one["required"], *other["required"]]))
    if "properties" in one and "properties" in other:
        result["properties"] = {
            name: {"allOf": [each for each in (part, other["properties"].get(name)) if each]}
            if name in other["properties"]
            else part
            for name, part in {**other["properties"], **one["properties"]}.items()
        }
    for keyword in ("allOf", "anyOf"):
        if keyword in one and keyword in other:
            result[keyword] = one[keyword]
            result.setdefault("allOf", []).append({keyword: other[keyword]})
    return result
