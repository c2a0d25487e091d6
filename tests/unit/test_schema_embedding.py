"""A schema inside another document means what it meant alone."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from crossdock.mesh.catalogue.draft_7 import modern
from crossdock.mesh.catalogue.embedding import embedded

AT = "#/$defs/x"
TREE: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "next": {"$ref": "#"},
        "$ref": {"type": "integer"},
        "kind": {"$ref": "#/$defs/a~1b%20c"},
        "said": {"const": {"$ref": "#/nowhere"}},
    },
    "$defs": {"a/b c": {"enum": ["leaf", {"$ref": "#/data"}]}},
}
FILES: dict[str, Any] = {
    "$id": "project:/contracts/sales/order.placed/1.0.0.schema.json",
    "properties": {
        "to": {"$ref": "../../definitions/address.json"},
        "own": {"$ref": "#/$defs/own"},
    },
    "$defs": {
        "own": {"type": "integer"},
        "contracts/definitions/address.json": {
            "$id": "project:/contracts/definitions/address.json",
            "properties": {"zip": {"$ref": "#/$defs/zip"}, "country": {"$ref": "country.json#/x"}},
            "$defs": {"zip": {"type": "string", "maxLength": 5}},
        },
        "contracts/definitions/country.json": {
            "$id": "project:/contracts/definitions/country.json",
            "x": {"enum": ["DE", "FR"]},
        },
    },
}
NAMED: dict[str, Any] = {
    "properties": {"a": {"$ref": "#thing"}},
    "$defs": {"t": {"$anchor": "thing", "type": "integer"}},
}
AUTHOR: dict[str, Any] = {
    "$id": "https://example.org/schemas/order",
    "properties": {
        "a": {"$ref": "address"},
        "b": {"$ref": "https://example.org/schemas/address#zip"},
        "c": {"$ref": "#/$defs/plain"},
    },
    "$defs": {
        "plain": {"type": "boolean"},
        "address": {
            "$id": "address",
            "properties": {"zip": {"$ref": "#zip"}},
            "$defs": {"zip": {"$anchor": "zip", "type": "integer"}},
        },
    },
}
DYNAMIC: dict[str, Any] = {
    "properties": {"a": {"$dynamicRef": "#n"}},
    "$defs": {"n": {"$dynamicAnchor": "n", "type": "integer"}},
}
CASES = [
    (
        TREE,
        [{"next": {"next": {}}}, {"kind": "leaf"}, {"$ref": 1}, {"said": {"$ref": "#/nowhere"}}],
    ),
    (TREE, [{"next": {"next": 1}}, {"kind": "stem"}, {"$ref": "x"}, {"said": 1}]),
    (FILES, [{"to": {"zip": "12345", "country": "DE"}, "own": 1}]),
    (FILES, [{"to": {"zip": "123456"}}, {"to": {"country": "XX"}}, {"own": "x"}]),
    (AUTHOR, [{"a": {"zip": 1}, "b": 1, "c": True}]),
    (AUTHOR, [{"a": {"zip": "x"}}, {"b": "x"}, {"c": 1}]),
    (DYNAMIC, [{"a": 1}]),
    (DYNAMIC, [{"a": "x"}]),
    (NAMED, [{"a": 1}]),
    (NAMED, [{"a": "x"}]),
]


@pytest.mark.parametrize(("schema", "values"), CASES)
def test_it_accepts_and_refuses_what_it_did_alone(
    schema: dict[str, Any], values: list[object]
) -> None:
    alone = jsonschema_rs.Draft202012Validator(schema)
    inside = embedded(schema, AT, "crossdock:a.b.c/1.0.0")
    around = {"$ref": AT, "$defs": {"x": inside, "own": False, "zip": False}}
    together = jsonschema_rs.Draft202012Validator(around)
    for value in values:
        assert together.is_valid(value) == alone.is_valid(value)
    assert len({alone.is_valid(value) for value in values}) == 1


def test_the_given_schema_is_not_changed() -> None:
    before = str(TREE)
    embedded(TREE, AT, "")
    assert str(TREE) == before


def test_pointers_are_used_where_they_can_be_because_more_tools_follow_them() -> None:
    assert embedded(TREE, AT, "")["properties"]["next"] == {"$ref": AT}
    assert "$id" not in str(embedded(FILES, AT, ""))
    assert embedded(NAMED, AT, "")["properties"]["a"] == {"$ref": f"{AT}/$defs/t"}
    assert embedded(DYNAMIC, AT, "crossdock:a.b.c/1.0.0")["$id"] == "crossdock:a.b.c/1.0.0"


def test_another_draft_stays_said() -> None:
    draft = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}
    assert embedded(draft, AT, "") == draft
    assert "$schema" not in embedded(TREE, AT, "")


_OLD: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "definitions": {"n": {"type": "integer"}},
    "properties": {
        "pair": {
            "items": [{"type": "string"}, {"$ref": "#/definitions/n"}],
            "additionalItems": False,
        },
        "list": {"items": {"type": "integer"}, "additionalItems": False},
        "ref": {"$ref": "#/definitions/n", "maximum": 3},
    },
    "dependencies": {"a": ["b"], "c": {"required": ["d"]}},
}


@pytest.mark.parametrize(
    "value",
    [
        {"pair": ["x", 1]},
        {"pair": ["x", 1, 2]},
        {"pair": ["x", "y"]},
        {"list": [1, 2, 3]},
        {"list": ["x"]},
        {"ref": 9},
        {"ref": "x"},
        {"a": 1},
        {"a": 1, "b": 1},
        {"c": 1},
        {"c": 1, "d": 1},
    ],
)
def test_draft_07_said_in_the_words_of_2020_12_accepts_the_same(value: object) -> None:
    new = modern(_OLD)
    assert "$schema" not in new
    old = jsonschema_rs.Draft7Validator(_OLD)
    assert jsonschema_rs.Draft202012Validator(new).is_valid(value) == old.is_valid(value)


def test_draft_07_that_refers_into_what_would_move_stays() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "items": [{"type": "string"}],
        "contains": {"$ref": "#/items/0"},
    }
    assert modern(schema) is schema
    assert modern(TREE) is TREE
