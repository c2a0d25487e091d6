"""Random documents that have a fair chance to be valid under a schema."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from crossdock.contracts.schema_walk import value_at
from schema_maker import NAMES, NUMBERS, TEXTS, TYPES, Schema

Json = Any


class DocumentMaker:
    """Makes documents from the same small sets as schemas are made from."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def pick(self, values: Iterable[Json]) -> Json:
        return self.random.choice(list(values))

    def document(self, schema: Schema, root: dict[str, Any], depth: int = 0) -> Json:
        """Return a document that has a fair chance to be valid."""
        if depth > 6 or isinstance(schema, bool) or self.chance(0.06):
            return self.anything(depth)
        if "$ref" in schema:
            return self.document(value_at(root, schema["$ref"][1:]), root, depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.pick(schema["enum"])
        for word in ("anyOf", "oneOf", "allOf"):
            if word in schema and self.chance(0.7):
                chosen = self.pick(schema[word])
                both = (
                    {**chosen, **{k: v for k, v in schema.items() if k != word}}
                    if isinstance(chosen, dict)
                    else chosen
                )
                return self.document(both, root, depth + 1)
        kind = schema.get("type") or self._likely(schema)
        kind = self.pick(kind) if isinstance(kind, list) else kind
        return self._of_type(kind, schema, root, depth)

    def _likely(self, schema: dict[str, Any]) -> str:
        if {"properties", "required", "additionalProperties"} & set(schema):
            return "object"
        if {"items", "prefixItems", "contains"} & set(schema):
            return "array"
        return self.pick(TYPES)

    def _of_type(self, kind: str, schema: dict[str, Any], root: dict[str, Any], depth: int) -> Json:
        makers = {
            "null": lambda: None,
            "boolean": lambda: self.chance(0.5),
            "integer": lambda: self.random.randrange(-3, 13) * int(schema.get("multipleOf") or 1),
            "number": lambda: self.pick(NUMBERS),
            "string": lambda: self.pick(TEXTS),
            "array": lambda: self._list(schema, root, depth),
            "object": lambda: self._map(schema, root, depth),
        }
        return makers[kind]()

    def _list(self, schema: dict[str, Any], root: dict[str, Any], depth: int) -> list[Any]:
        items = schema.get("items", True)
        prefix = items if isinstance(items, list) else schema.get("prefixItems", [])
        rest = schema.get("additionalItems", True) if isinstance(items, list) else items
        count = self.random.randrange(schema.get("minItems", 0), schema.get("minItems", 0) + 4)
        count = min(count, schema.get("maxItems", count))
        if rest is False:
            count = min(count, len(prefix))
        rest = self.pick((rest, schema.get("contains", rest)))
        return [
            self.document(prefix[at] if at < len(prefix) else rest, root, depth + 1)
            for at in range(count)
        ]

    def _map(self, schema: dict[str, Any], root: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        names = [each for each in properties if self.chance(0.6)] + schema.get("required", [])
        if others is not False and self.chance(0.4):
            names.append(self.pick(NAMES))
        return {
            name: self.document(properties.get(name, others), root, depth + 1) for name in names
        }

    def anything(self, depth: int) -> Json:
        kinds = TYPES if depth < 3 else TYPES[:5]
        return self._of_type(self.pick(kinds), {}, {}, depth + 1)
