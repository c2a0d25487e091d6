from __future__ import annotations

from typing import Any

import pytest

from crossdock.contracts.schema_places import SchemaPlaces
from crossdock.contracts.schema_walk import steps_of

DEEP: dict[str, Any] = {
    "$id": "project:/contracts/a/b.c/1.0.0.schema.json",
    "properties": {
        "plain": {"title": "plain"},
        "a/b": {"title": "slash"},
        "list": {"items": {"title": "item"}},
        "tuple": {"prefixItems": [{"title": "first"}], "items": {"title": "rest"}},
        "map": {"additionalProperties": {"title": "value"}},
        "pattern": {"patternProperties": {"^x-": {"title": "extension"}}},
        "shared": {"$ref": "../../definitions/person.json#/$defs/name"},
        "anchored": {"$ref": "#here"},
        "tree": {"$ref": "#/$defs/node"},
        "default": {"$ref": "#/$defs/node"},
    },
    "allOf": [{"if": {}, "then": {"properties": {"later": {"title": "then"}}}}],
    "oneOf": [{"properties": {"form": {"title": "one"}}}, {"properties": {"form": {"title": "2"}}}],
    "$defs": {
        "node": {"title": "node", "properties": {"children": {"items": {"$ref": "#/$defs/node"}}}},
        "anchor": {"$anchor": "here", "title": "anchor"},
        "contracts/definitions/person.json": {
            "$id": "project:/contracts/definitions/person.json",
            "$defs": {
                "name": {"properties": {"family": {"$ref": "#/$defs/text"}}},
                "text": {"title": "text"},
            },
        },
    },
}


@pytest.mark.parametrize(
    ("pointer", "titles"),
    [
        ("/plain", {"plain"}),
        ("/a~1b", {"slash"}),
        ("/list/*", {"item"}),
        ("/list/3", {"item"}),
        ("/tuple/0", {"first"}),
        ("/tuple/1", {"rest"}),
        ("/tuple/*", {"first", "rest"}),
        ("/map/anything", {"value"}),
        ("/map/*", {"value"}),
        ("/pattern/x-a", {"extension"}),
        ("/pattern/a", set()),
        ("/shared/family", {"text"}),
        ("/anchored", {"anchor"}),
        ("/tree/children/*/children/*", {"node"}),
        ("/default/children/*", {"node"}),
        ("/later", {"then"}),
        ("/form", {"one", "2"}),
        ("/gone", set()),
        ("/plain/deeper", set()),
    ],
)
def test_every_part_that_speaks_of_a_place_is_found(pointer: str, titles: set[str]) -> None:
    found = SchemaPlaces(DEEP).at(steps_of(pointer))
    assert {each["title"] for each in found if "title" in each} == titles


def test_draft_7_lists_and_anchors_are_followed() -> None:
    places = SchemaPlaces(
        {
            "properties": {"t": {"items": [{"title": "a"}], "additionalItems": {"title": "b"}}},
            "dependencies": {"t": {"properties": {"u": {"$ref": "#named"}}}},
            "definitions": {"x": {"$id": "#named", "title": "c"}},
        }
    )
    assert [each["title"] for each in places.at(("t", "0"))] == ["a"]
    assert [each["title"] for each in places.at(("t", "1"))] == ["b"]
    assert {each.get("title") for each in places.at(("u",))} == {None, "c"}


def test_a_reference_that_leads_nowhere_adds_nothing() -> None:
    assert len(SchemaPlaces({"$ref": "#/$defs/gone"}).at(())) == 1
