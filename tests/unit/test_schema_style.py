from __future__ import annotations

from typing import Any

import pytest

from crossdock.contracts.schema_style import style_problems

DRAFT = "https://json-schema.org/draft/2020-12/schema"
TAGGED = [
    {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "card"}}},
    {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "cash"}}},
]
LATER = {"type": "object", "properties": {"a": {}}}
NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}


def told(schema: dict[str, Any]) -> set[tuple[str, str]]:
    """Codes and places, but what is said of open objects, which most schemas here are."""
    found = style_problems({"$schema": DRAFT, **schema})
    return {(e.keyword, e.pointer) for e in found if e.keyword != "open-or-closed"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"requird": ["a"]}, ("unknown-keyword", "/requird")),
        ({"properties": {"a": {"nullable": True}}}, ("unknown-keyword", "/properties/a/nullable")),
        ({"properties": {"a": {"format": "email"}}}, ("no-type", "/properties/a/format")),
        ({"items": {"minimum": 1}}, ("no-type", "/items/minimum")),
        ({"type": "integer", "minLength": 1}, ("other-type", "/minLength")),
        ({"enum": ["a", "b", "a"]}, ("enum-twice", "/enum/2")),
        ({"enum": ["a", 1]}, ("enum-types", "/enum")),
        ({"type": "integer", "maximum": 2**63}, ("large-integer", "/maximum")),
        ({"enum": [1, 2**60]}, ("large-integer", "/enum/1")),
        ({"type": "string", "pattern": "[0-9]+"}, ("pattern-anywhere", "/pattern")),
        (
            {"type": "object", "required": ["a", "tota"], "properties": {"a": {}, "total": {}}},
            ("required-unknown", "/required/1"),
        ),
        (
            {"type": "object", "properties": {"an_id": {}, "order": {}, "orderDate": {}}},
            ("mixed-names", "/properties/orderDate"),
        ),
        (
            {"type": "object", "required": ["a"], "additionalProperties": False},
            ("impossible", ""),
        ),
        (
            {"oneOf": [{"type": "number"}, {"type": "integer"}]},
            ("overlap", "/oneOf"),
        ),
        (
            {
                "properties": {"p": {"oneOf": [{"$ref": "#/$defs/a"}, {"minLength": 1}]}},
                "$defs": {"a": {"type": "string"}},
            },
            ("overlap", "/properties/p/oneOf"),
        ),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, ("draft-07", "/$schema")),
    ],
)
def test_each_doubt_has_its_code_and_place(
    schema: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert expected in told(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^a"},
        {"type": ["integer", "null"], "minimum": 1},
        {"type": "number", "allOf": [{"minimum": 1}, {"if": {"maximum": 3}, "then": {}}]},
        {"enum": ["a", None]},
        {"enum": [1, 1.5]},
        {"const": "a", "minLength": 1},
        {"type": "integer", "maximum": 2**53},
        {"oneOf": TAGGED},
        {"oneOf": [{"type": "string"}, {"type": "object"}]},
        {"type": "object", "properties": {"a_b": {}, "c": {}, "d_e_f": {}}},
        {"type": "object", "required": ["a"], "properties": {"b": {}}, "allOf": [LATER]},
        {"$ref": "#/$defs/node", "$defs": {"node": NODE}},
        {"x-owner": "me", "$comment": "ours"},
        {"properties": {"enum": {"default": {"minimum": 1}, "type": "object"}}, "type": "object"},
    ],
)  # fmt: skip
def test_what_is_meant_is_left_alone(schema: dict[str, Any]) -> None:
    assert told(schema) == set()


@pytest.mark.parametrize(
    ("schema", "doubtful"),
    [
        ({"type": "object", "properties": {"a": {}}}, True),
        ({"type": "object", "properties": {"a": {}}, "additionalProperties": True}, False),
        ({"type": "object", "properties": {"a": {}}, "unevaluatedProperties": False}, False),
        ({"allOf": [{"type": "object", "properties": {"a": {}}}]}, False),
        ({"type": "object"}, False),
    ],
)
def test_an_object_should_say_whether_it_is_open(schema: dict[str, Any], *, doubtful: bool) -> None:
    codes = {each.keyword for each in style_problems({"$schema": DRAFT, **schema})}
    assert ("open-or-closed" in codes) is doubtful


def test_a_schema_without_a_draft_is_told() -> None:
    assert [each.keyword for each in style_problems({"type": "string"})] == ["no-draft"]
