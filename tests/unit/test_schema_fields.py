"""A schema as rows that people read."""

from __future__ import annotations

from typing import Any

import pytest

from crossdock.mesh.catalogue.schema_fields import Field, fields_of


def _only(schema: dict[str, Any]) -> Field:
    (field,) = fields_of({"properties": {"a": schema}})
    return field


@pytest.mark.parametrize(
    ("schema", "kind", "rules"),
    [
        ({}, "anything", ()),
        ({"type": ["string", "null"]}, "string or null", ()),
        ({"type": "string", "format": "email"}, "string", ("email",)),
        ({"type": "string", "minLength": 1, "maxLength": 9}, "string", ("1 to 9 characters",)),
        ({"type": "number", "minimum": 0}, "number", ("≥ 0",)),
        ({"type": "number", "maximum": 5, "exclusiveMinimum": 0}, "number", ("> 0", "≤ 5")),
        ({"enum": ["a", 1, None]}, "one of", ("one of a, 1, null",)),
        ({"const": "x"}, "constant", ("always x",)),
        ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True},
         "list of integer", ("no item twice",)),
        ({"type": "object", "additionalProperties": False}, "object", ("nothing else in it",)),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, "oneOf of several forms", ()),
    ],
)  # fmt: skip
def test_type_and_rules(schema: dict[str, Any], kind: str, rules: tuple[str, ...]) -> None:
    field = _only(schema)
    assert (field.type, field.rules) == (kind, rules)


def test_fields_inside_objects_lists_and_maps_have_paths_and_pointers() -> None:
    schema = {
        "required": ["lines"],
        "properties": {
            "lines": {"type": "array", "items": {"properties": {"a/b": {"type": "string"}}}},
            "labels": {"additionalProperties": {"type": "string"}},
        },
    }
    found = [(each.path, each.pointer, each.required) for each in fields_of(schema)]
    assert found == [
        ("lines", "/lines", True),
        ("lines[].a/b", "/lines/*/a~1b", False),
        ("labels", "/labels", False),
        ("labels{}", "/labels/*", False),
    ]


def test_a_reference_is_followed_and_one_that_leads_back_ends() -> None:
    schema = {
        "$ref": "#/$defs/node",
        "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}, "n": {"const": 1}}}},
    }
    assert [(each.path, each.type) for each in fields_of(schema)] == [
        ("next", "as above"),
        ("n", "constant"),
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": True, "b": False, "c": {"$ref": "#/nowhere"}}},
        {"allOf": [True, {"properties": {"a": {}}}], "items": [{}], "required": []},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
        {"properties": {str(number): {} for number in range(2000)}},
    ],
)
def test_whatever_the_schema_there_is_an_end(schema: dict[str, Any]) -> None:  # I8
    assert len(fields_of(schema)) <= 500
