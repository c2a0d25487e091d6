"""The type of a schema holds all that the schema accepts, and as little else as can be said."""

from __future__ import annotations

from typing import Any

import pytest

from crossdock.router.checking.comparing import contains, describe
from crossdock.router.checking.schema_types import type_of_schema

CLOSED = {"type": "object", "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "inside", "outside"),
    [
        ({"type": "string"}, ["", "a"], [1, None, True, []]),
        ({"type": ["string", "null"]}, ["a", None], [1]),
        ({"type": "integer", "minimum": 1, "exclusiveMaximum": 3}, [1, 2, 2.0], [0, 3, 1.5, True]),
        ({"enum": ["a", 1, None]}, ["a", 1, None], ["b", 2, True]),
        ({"const": {"a": 1}}, [{"a": 1}], [{"a": 2}, {}, {"a": 1, "b": 1}]),
        ({"type": "string", "pattern": "^[A-Z]{2}$"}, ["DE"], ["Germany"]),
        ({"type": "string", "format": "date"}, ["2024-02-29"], ["2023-02-29", "soon"]),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1}, [["a"]], [[], [1], "a"]),
        ({"required": ["a"], "properties": {"a": {"type": "number"}}}, [{"a": 1}], [{}, {"a": ""}]),
        ({**CLOSED, "properties": {"a": {}}}, [{}, {"a": 1}], [{"b": 1}]),
        ({"type": "object", "additionalProperties": {"type": "number"}}, [{"x": 1}], [{"x": ""}]),
        ({"allOf": [{"minimum": 1, "type": "number"}, {"type": "integer"}]}, [1], [0, 1.5]),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, ["a", None], [1]),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "null"}}}, [None], [1]),
        (
            {
                "allOf": [{"properties": {"a": {}}, "type": "object"}],
                "unevaluatedProperties": False,
            },
            [{"a": 1}],
            [{"b": 1}],
        ),
        (
            {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "items": [{"type": "string"}],
                "additionalItems": False,
                "type": "array",
            },
            [["a"]],
            [[1]],
        ),
        (False, [], [1]),
    ],
)
def test_a_type_holds_what_its_schema_accepts(
    schema: Any,  # noqa: ANN401 - any schema
    inside: list[Any],
    outside: list[Any],
) -> None:
    found = type_of_schema(schema if isinstance(schema, dict) else {"allOf": [schema]})
    assert [each for each in inside if not contains(found, each)] == []
    assert [each for each in outside if contains(found, each)] == []


@pytest.mark.parametrize(
    "schema",
    [{}, {"not": {}}, {"if": {"type": "string"}}, {"$ref": "#/nowhere"}, {"$dynamicRef": "#a"}],
)
def test_what_types_cannot_say_is_left_out(schema: dict[str, Any]) -> None:
    assert type_of_schema(schema).is_unknown


def test_a_type_that_holds_itself_is_known_to_one_level() -> None:
    tree = {"type": "object", "properties": {"sub": {"$ref": "#"}, "n": {"type": "number"}}}
    found = type_of_schema(tree)
    assert not contains(found, {"n": "x"})
    assert contains(found, {"sub": {"sub": {"sub": {}}}})


def test_definition_files_are_followed() -> None:
    schema = {
        "$id": "project:/contracts/a/b.c/1.0.0.schema.json",
        "$ref": "../../definitions/money.json#/$defs/amount",
        "$defs": {
            "project:/contracts/definitions/money.json": {
                "$id": "project:/contracts/definitions/money.json",
                "$defs": {"amount": {"type": "number"}},
            }
        },
    }
    assert describe(type_of_schema(schema)) == "a number"
