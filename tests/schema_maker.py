"""Random JSON Schemas and changes of them; see also `document_maker`.

Names, texts and numbers come from small sets, so that what one schema says is met by documents
often enough to matter.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from random import Random
from typing import Any, Final

from crossdock.contracts.schema_walk import pointer_of, subschemas, value_at

Schema = dict[str, Any] | bool
Json = Any
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
        self._same_value = False

    def root(self) -> dict[str, Any]:
        """Return a schema with some definitions, which may lead to themselves."""
        self.recursive = self.chance(0.25)
        self._same_value = True  # a reference from here to itself would have no meaning
        schema = self.schema(3)
        result: dict[str, Any] = {"allOf": [schema]} if isinstance(schema, bool) else schema
        result["$schema"] = self.draft
        if self.recursive:
            word = "definitions" if self.old else "$defs"
            result[word] = {"one": self._definition(2), "two": self._definition(1)}
        return result

    def _definition(self, depth: int) -> Schema:
        self._same_value = True
        return self.schema(depth)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def pick(self, values: Iterable[Json]) -> Json:
        return self.random.choice(list(values))

    def schema(self, depth: int) -> Schema:
        same_value, self._same_value = self._same_value, False
        if self.chance(0.05):
            return self.chance(0.6)
        if depth <= 0:
            return {"type": self.pick(TYPES)} if self.chance(0.8) else {}
        if self.recursive and not same_value and self.chance(0.25):
            word = "definitions" if self.old else "$defs"
            return {"$ref": self.pick(("#", f"#/{word}/one", f"#/{word}/two"))}
        if self.chance(0.12):
            return self._combined(depth, 2)
        if self.chance(0.12):
            values = self.random.sample((*TEXTS, *NUMBERS, None, True, [], {"a": 1}), 3)
            return {"const": values[0]} if self.chance(0.3) else {"enum": values}
        schema = self._typed(depth)
        return {**schema, **self._combined(depth, 2)} if self.chance(0.08) else schema

    def _typed(self, depth: int) -> dict[str, Any]:
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
        schemas = {self.pick(NAMES): self._definition(depth - 1)}
        if self.old:
            return {"dependencies": required if self.chance(0.5) else schemas}
        word, value = self.pick((("dependentRequired", required), ("dependentSchemas", schemas)))
        return {word: value}

    def _combined(self, depth: int, most: int) -> dict[str, Any]:
        word = self.pick(("allOf", "anyOf", "oneOf", "not", "if", "anyOf"))
        if word == "not":
            return {"not": self._definition(depth - 1)}
        if word == "if":
            words = ("if", "then", "else") if self.chance(0.5) else ("if", "then")
            return {each: self._definition(depth - 1) for each in words}
        count = self.random.randrange(1, most + 2)
        return {word: [self._definition(depth - 1) for _ in range(count)]}

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
            return self._definition(1)
        fixed = {k: v for k, v in schema.items() if k in ("$schema", "$defs", "definitions")}
        rest = {k: v for k, v in schema.items() if k not in fixed}
        way = self.random.randrange(10)
        if way == 0 and rest:
            rest.pop(self.pick(rest))
        elif way == 1:
            made = self._definition(1)
            rest = {**rest, **made} if isinstance(made, dict) else rest
        elif way == 2 and not is_root:
            return self._definition(2)
        elif way == 3:
            rest = {self.pick(("anyOf", "oneOf", "allOf")): [rest, self._definition(1)]}
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
            more = self.pick(NUMBERS) if word == "enum" else self._definition(1)
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
