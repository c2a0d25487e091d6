"""Random JSON Schemas, changes of them, and documents for them; all from one source of chance.

Names, texts and numbers come from small sets, so that what one schema says is met by documents
often enough to matter.
"""

from __future__ import annotations

import copy
from random import Random
from typing import Any, Final

from crossdock.contracts.compatibility.keywords import subschemas, value_at, pointer_of

Schema = dict[str, Any] | bool
DRAFT_2020: Final = "https://json-schema.org/draft/2020-12/schema"
DRAFT_7: Final = "http://json-schema.org/draft-07/schema#"

NAMES: Final = ("a", "b", "c", "S_1", "I_2")
TEXTS: Final = ("", "a", "b", "ab", "abc", "aaaa", "2026-01-31", "x@y.de", "-1", "é")
NUMBERS: Final = (0, 1, 2, 3, 5, 6, 10, -1, -2, 0.5, 1.5, 2.0, 2.5, 0.1)
PATTERNS: Final = ("^a+$", "^a*$", "^[a-z]+$", "b", "^S_", "^.{0,3}$")
NAME_PATTERNS: Final = ("^S_", "^I_", "^[a-c]$", "_")
FORMATS: Final = ("date", "email", "uuid", "ipv4")
TYPES: Final = ("null", "boolean", "integer", "number", "string", "array", "object")


class SchemaMaker:
    """Makes schemas of one draft."""

    def __init__(self, random: Random, *, draft: str = DRAFT_2020) -> None:
        self.random = random
        self.draft = draft
        self.old = draft == DRAFT_7
        self.recursive = False

    def root(self) -> dict[str, Any]:
        """Return a schema with some definitions, which may lead to themselves."""
        self.recursive = self.chance(0.25)
        schema = self.schema(3)
        result: dict[str, Any] = {"allOf": [schema]} if isinstance(schema, bool) else schema
        result["$schema"] = self.draft
        word = "definitions" if self.old else "$defs"
        result[word] = {"one": self.schema(2), "two": self.schema(1)}
        return result

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def pick(self, values: Any) -> Any:
        return self.random.choice(list(values))

    def schema(self, depth: int) -> Schema:
        if self.chance(0.05):
            return self.chance(0.6)
        if depth <= 0:
            return {"type": self.pick(TYPES)} if self.chance(0.8) else {}
        if self.recursive and self.chance(0.12):
            word = "definitions" if self.old else "$defs"
            return {"$ref": self.pick(("#", f"#/{word}/one", f"#/{word}/two"))}
        if self.chance(0.12):
            return self._combined(depth)
        if self.chance(0.12):
            values = self.random.sample((*TEXTS, *NUMBERS, None, True, [], {"a": 1}), 3)
            return {"const": values[0]} if self.chance(0.3) else {"enum": values}
        kind = self.random.choices(TYPES, (1, 1, 2, 2, 3, 4, 6))[0]
        schema: dict[str, Any] = {"type": kind} if self.chance(0.85) else {}
        if self.chance(0.1):
            schema["type"] = self.random.sample(TYPES, 2)
        if kind in ("integer", "number"):
            schema |= self._number()
        elif kind == "string":
            schema |= self._string()
        elif kind == "array":
            schema |= self._array(depth)
        elif kind == "object":
            schema |= self._object(depth)
        if self.chance(0.08):
            schema |= self._combined(depth)
        return schema

    def _some(self, keywords: dict[str, Any], share: float) -> dict[str, Any]:
        return {k: make() for k, make in keywords.items() if self.chance(share)}

    def _number(self) -> dict[str, Any]:
        return self._some(
            {
                "minimum": lambda: self.pick(NUMBERS),
                "maximum": lambda: self.pick(NUMBERS),
                "exclusiveMinimum": lambda: self.pick(NUMBERS),
                "exclusiveMaximum": lambda: self.pick(NUMBERS),
                "multipleOf": lambda: self.pick((1, 2, 3, 5, 6, 0.5, 0.1, 2.5)),
            },
            0.25,
        )

    def _string(self) -> dict[str, Any]:
        return self._some(
            {
                "minLength": lambda: self.random.randrange(4),
                "maxLength": lambda: self.random.randrange(5),
                "pattern": lambda: self.pick(PATTERNS),
                "format": lambda: self.pick(FORMATS),
            },
            0.2,
        )

    def _array(self, depth: int) -> dict[str, Any]:
        made = self._some(
            {
                "minItems": lambda: self.random.randrange(3),
                "maxItems": lambda: self.random.randrange(4),
                "uniqueItems": lambda: self.chance(0.8),
                "contains": lambda: self.schema(depth - 1),
            },
            0.2,
        )
        if self.chance(0.3):
            tuple_word, rest_word = (
                ("items", "additionalItems") if self.old else ("prefixItems", "items")
            )
            made[tuple_word] = [self.schema(depth - 1) for _ in range(self.random.randrange(1, 3))]
            if self.chance(0.5):
                made[rest_word] = self.chance(0.4) and self.schema(depth - 1)
        elif self.chance(0.6):
            made["items"] = self.schema(depth - 1)
        if "contains" in made and not self.old:
            made |= self._some(
                {
                    "minContains": lambda: self.random.randrange(3),
                    "maxContains": lambda: self.random.randrange(1, 3),
                },
                0.3,
            )
        if not self.old and self.chance(0.05):
            made["unevaluatedItems"] = False
        return made

    def _object(self, depth: int) -> dict[str, Any]:
        names = self.random.sample(NAMES, self.random.randrange(4))
        made: dict[str, Any] = {"properties": {each: self.schema(depth - 1) for each in names}}
        if self.chance(0.5):
            made["required"] = self.random.sample(NAMES, self.random.randrange(1, 3))
        if self.chance(0.5):
            made["additionalProperties"] = self.chance(0.3) and self.schema(depth - 1)
        made |= self._some(
            {
                "patternProperties": lambda: {self.pick(NAME_PATTERNS): self.schema(depth - 1)},
                "propertyNames": lambda: {"maxLength": self.random.randrange(1, 4)},
                "minProperties": lambda: self.random.randrange(3),
                "maxProperties": lambda: self.random.randrange(1, 4),
            },
            0.12,
        )
        if self.chance(0.12):
            made |= self._dependent(depth)
        if not self.old and self.chance(0.06):
            made["unevaluatedProperties"] = self.chance(0.2) and self.schema(0)
        return made

    def _dependent(self, depth: int) -> dict[str, Any]:
        required = {self.pick(NAMES): [self.pick(NAMES)]}
        schemas = {self.pick(NAMES): self.schema(depth - 1)}
        if self.old:
            return {"dependencies": required if self.chance(0.5) else schemas}
        return (
            {"dependentRequired": required} if self.chance(0.5) else {"dependentSchemas": schemas}
        )

    def _combined(self, depth: int) -> dict[str, Any]:
        word = self.pick(("allOf", "anyOf", "oneOf", "not", "if", "anyOf"))
        if word == "not":
            return {"not": self.schema(depth - 1)}
        if word == "if":
            made: dict[str, Any] = {"if": self.schema(depth - 1), "then": self.schema(depth - 1)}
            return made | ({"else": self.schema(depth - 1)} if self.chance(0.5) else {})
        return {word: [self.schema(depth - 1) for _ in range(self.random.randrange(1, 4))]}

    def changed(self, root: dict[str, Any]) -> dict[str, Any]:
        """Return the schema with one to three changes somewhere in it."""
        result = copy.deepcopy(root)
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            result = self._changed_once(result)
        return result

    def _changed_once(self, root: dict[str, Any]) -> dict[str, Any]:
        places = [((), root)]
        for at, schema in places:
            places += [((*at, *steps), each) for steps, each in subschemas(schema)]
        steps, schema = self.pick(places)
        new = self._other(schema, is_root=not steps)
        if not steps:
            return new if isinstance(new, dict) else root
        parent = value_at(root, pointer_of(steps[:-1]))
        parent[int(steps[-1]) if isinstance(parent, list) else steps[-1]] = new
        return root

    def _other(self, schema: Schema, *, is_root: bool) -> Schema:
        if isinstance(schema, bool):
            return self.schema(1)
        fixed = {k: v for k, v in schema.items() if k in ("$schema", "$defs", "definitions")}
        rest = {k: v for k, v in schema.items() if k not in fixed}
        way = self.random.randrange(10)
        if way == 0 and rest:
            rest.pop(self.pick(rest))
        elif way == 1:
            made = self.schema(1)
            rest = {**rest, **made} if isinstance(made, dict) else rest
        elif way == 2 and not is_root:
            return self.schema(2)
        elif way == 3:
            rest = {self.pick(("anyOf", "oneOf", "allOf")): [rest, self.schema(1)]}
        elif way == 4:
            rest = {self.pick(("anyOf", "oneOf", "allOf")): [rest]}
        else:
            rest = self._tweaked(rest)
        return {**fixed, **rest}

    def _tweaked(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Change the value of one keyword a little."""
        word = self.pick(schema) if schema else "type"
        value = schema.get(word)
        made = {**schema}
        if isinstance(value, bool):
            made[word] = not value if word == "uniqueItems" else self.schema(1)
        elif isinstance(value, int | float):
            step = self.pick((1, -1, 2))
            made[word] = value + step if value + step > 0 or word.endswith("imum") else value
        elif word == "type":
            made["type"] = self.random.sample(TYPES, self.random.randrange(1, 3))
        elif word == "required":
            made["required"] = sorted(
                {*value[1:], self.pick(NAMES)} if self.chance(0.5) else value[1:]
            )
        elif word in ("enum", "anyOf", "oneOf", "allOf") and isinstance(value, list):
            more = self.pick(NUMBERS) if word == "enum" else self.schema(1)
            made[word] = value[1:] if len(value) > 1 and self.chance(0.5) else [*value, more]
        elif word == "properties":
            made[word] = self._other_properties(value)
        elif word in ("pattern", "format"):
            made[word] = self.pick(PATTERNS if word == "pattern" else FORMATS)
        elif word == "prefixItems":
            made[word] = [*value, self.schema(1)]
        elif word == "additionalProperties":
            made[word] = self.pick((True, False, {"type": "string"}))
        return made

    def _other_properties(self, properties: dict[str, Schema]) -> dict[str, Schema]:
        if properties and self.chance(0.4):
            gone = self.pick(properties)
            return {k: v for k, v in properties.items() if k != gone}
        return {**properties, self.pick(NAMES): self.schema(1)}

    def document(self, schema: Schema, root: dict[str, Any], depth: int = 0) -> Any:
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

    def _of_type(self, kind: str, schema: dict[str, Any], root: dict[str, Any], depth: int) -> Any:
        if kind == "null":
            return None
        if kind == "boolean":
            return self.chance(0.5)
        if kind == "integer":
            return self.random.randrange(-3, 13) * int(schema.get("multipleOf", 1) or 1)
        if kind == "number":
            return self.pick(NUMBERS)
        if kind == "string":
            return self.pick(TEXTS)
        if kind == "array":
            return self._list(schema, root, depth)
        return self._map(schema, root, depth)

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

    def anything(self, depth: int) -> Any:
        kinds = TYPES if depth < 3 else TYPES[:5]
        return self._of_type(self.pick(kinds), {}, {}, depth + 1)
