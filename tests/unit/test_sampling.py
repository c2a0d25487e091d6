from __future__ import annotations

from random import Random
from typing import Any

import pytest

from crossdock.contracts import Contract
from crossdock.contracts.sampling import samples
from crossdock.contracts.sampling.patterns import matching
from crossdock.contracts.sampling.texts import _FORMATS

NODE = {
    "type": "object",
    "required": ["value"],
    "properties": {"value": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}},
    "additionalProperties": False,
}


def contract(schema: dict[str, Any]) -> Contract:
    return Contract("a.b.c", "1.0.0", schema)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "null"},
        {"const": {"a": [1]}},
        {"enum": [1, "a", None]},
        {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
        {"type": "number", "minimum": 0.001, "maximum": 0.002},
        {"type": "number", "multipleOf": 0.01, "minimum": 5},
        {"type": "integer", "multipleOf": 7, "maximum": -3},
        {"type": "string", "minLength": 200, "maxLength": 201},
        {"type": "string", "maxLength": 2},
        {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}(a|b)?$", "maxLength": 7},
        {"type": "string", "pattern": r"^\p{L}+\d\w\S[^a-z]$"},
        {"type": "array", "minItems": 3, "uniqueItems": True, "items": {"enum": [1, 2, 3]}},
        {"type": "array", "prefixItems": [{"type": "string"}, {"const": 2}], "items": False},
        {"type": "array", "contains": {"const": 7}, "minContains": 2, "items": {"type": "integer"}},
        {"type": "object", "required": ["a"], "additionalProperties": {"type": "integer"}},
        {"type": "object", "patternProperties": {"^x-": {"const": 1}}, "minProperties": 2,
         "additionalProperties": False},
        {"type": "object", "properties": {"a": {}, "b": {}}, "dependentRequired": {"a": ["b"]}},
        {"type": "object", "properties": {"a": {"type": "integer"}},
         "if": {"properties": {"a": {"minimum": 5}}}, "then": {"required": ["b"]}},
        {"oneOf": [{"type": "string"}, {"minLength": 2}, {"const": "abc"}]},
        {"allOf": [{"required": ["a"]}, {"properties": {"a": {"type": "string"}}}],
         "type": "object"},
        {"not": {"type": ["string", "object"]}},
        {"$ref": "#/$defs/node", "$defs": {"node": NODE}},
        {"$defs": {"node": NODE}, "properties": {"left": {"$ref": "#/$defs/node"}},
         "type": "object", "required": ["left"]},
        {"$schema": "http://json-schema.org/draft-07/schema#", "type": "array",
         "items": [{"type": "string"}], "additionalItems": {"type": "integer"}, "minItems": 3},
    ],
)  # fmt: skip
def test_what_is_made_fits_the_contract(schema: dict[str, Any]) -> None:
    made = list(samples(contract(schema), 20, seed=1))
    assert [contract(schema).problems(each) for each in made] == [[]] * 20


@pytest.mark.parametrize("name", sorted(_FORMATS))
def test_every_format_is_made(name: str) -> None:
    schema = {"type": "string", "format": name}
    assert all(isinstance(each, str) for each in samples(contract(schema), 30, seed=1))


def test_the_same_seed_makes_the_same_documents() -> None:
    schema = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "integer"}}}
    first, again, other = (list(samples(contract(schema), 9, seed=each)) for each in (1, 1, 2))
    assert first == again != other


def test_members_come_in_the_order_of_the_schema() -> None:
    schema = {
        "type": "object",
        "required": ["z", "a"],
        "properties": {"z": {"type": "null"}, "a": {"type": "null"}},
    }
    (made,) = samples(contract(schema), 1, seed=1)
    assert list(made) == ["z", "a"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^(?!a)a$"},
        {"type": "object", "required": ["a"], "properties": {"a": False}},
        {"type": "array", "minItems": 100_000},
    ],
)
def test_when_none_can_be_made_it_says_so(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no document was found that fits a\.b\.c 1\.0\.0"):
        list(samples(contract(schema), 1, seed=1))


def test_i8_a_pattern_that_asks_for_too_much_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 2000 characters"):
        matching("^a{100000}$", Random(1))  # noqa: S311 - no secret
