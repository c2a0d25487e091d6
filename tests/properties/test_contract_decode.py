from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.contracts import Contract, Halt
from crossdock.contracts.contract import MAX_DEPTH, MAX_PROBLEMS

ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["id", "total"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "minLength": 2, "pattern": "^[A-Z]"},
        "total": {"type": "number", "minimum": 0},
        "at": {"type": "string", "format": "date-time"},
        "country": {"enum": ["DE", "FR"]},
        "to": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "pay": {
            "oneOf": [
                {
                    "type": "object",
                    "required": ["by", "iban"],
                    "properties": {"by": {"const": "bank"}, "iban": {"type": "string"}},
                },
                {
                    "type": "object",
                    "required": ["by"],
                    "properties": {"by": {"const": "cash"}, "coins": {"type": "integer"}},
                },
            ]
        },
    },
}
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def contract(schema: dict[str, Any]) -> Contract:
    return Contract("sales.order.placed", "1.0.0", schema)


def found(value: object, schema: dict[str, Any] = ORDER) -> list[tuple[str, str, str]]:
    _, problems = contract(schema).decode(json.dumps(value).encode())
    return [(each.pointer, each.keyword, each.message) for each in problems]


def test_valid_data_gives_the_value_and_no_problem() -> None:
    value, problems = contract(ORDER).decode(b'{"id": "AB", "total": 1.5}')
    assert (value, problems) == ({"id": "AB", "total": 1.5}, [])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"id": 7}, ("/id", "type", "expected a string")),
        ({"id": "A"}, ("/id", "minLength", "shorter than 2 characters")),
        ({"id": "ab"}, ("/id", "pattern", "does not match the pattern ^[A-Z]")),
        ({"total": -1}, ("/total", "minimum", "less than 0")),
        ({"at": "yesterday"}, ("/at", "format", "not a valid date-time")),
        ({"country": "US"}, ("/country", "enum", 'not one of the allowed values: "DE", "FR"')),
        ({"a~b/c": 1}, ("/a~0b~1c", "additionalProperties", "unexpected property")),
        ({"to": 3}, ("/to", "type", "expected a string or a list")),
        ({"to": ["a", 3]}, ("/to/1", "type", "expected a string")),
        ({"pay": {"by": "bank"}}, ("/pay", "required", "missing property 'iban'")),
        ({"pay": {"by": "cash", "coins": "x"}}, ("/pay/coins", "type", "expected a whole number")),
        (
            {"pay": {"by": "gold"}},
            ("/pay/by", "enum", 'not one of the allowed values: "bank", "cash"'),
        ),
    ],
)
def test_each_problem_has_its_pointer_keyword_and_text(
    changes: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    assert found({"id": "AB", "total": 1} | changes) == [expected]


def test_every_problem_is_told_at_once() -> None:
    assert [each[0] for each in found({"id": "a", "at": "no", "x": 1, "y": 2})] == [
        "",
        "/id",
        "/id",
        "/at",
        "/x",
        "/y",
    ]


def test_i6_no_text_holds_a_value_of_the_data() -> None:
    value_of_data = "hunter2"
    schema = {
        "properties": {
            "a": {"type": "integer"},
            "b": {"const": 1},
            "c": {"pattern": "^$"},
            "d": {"not": {"type": "string"}},
            "e": {"maxLength": 1},
            "f": {"format": "email"},
            "g": {"anyOf": [{"type": "integer"}, {"enum": ["x"]}]},
            "h": {"uniqueItems": True},
            "i": {"contains": {"type": "integer"}},
            "j": {"propertyNames": {"maxLength": 1}},
            "k": False,
            "l": {"oneOf": [{"type": "string"}, {"minLength": 1}]},
            "m": {"multipleOf": 7},
        }
    }
    value: dict[str, Any] = dict.fromkeys("abcdefgkl", value_of_data)
    value |= {
        "h": [value_of_data, value_of_data],
        "i": [value_of_data],
        "j": {value_of_data: 1},
        "m": 77777777777771,
    }
    problems = contract(schema).problems(value)
    assert {each.pointer for each in problems} == {f"/{name}" for name in value}
    assert not [each for each in problems if value_of_data in str(each) or "7777" in str(each)]


@pytest.mark.parametrize(
    ("data", "keyword"),
    [
        (b"", "json"),
        (b"{", "json"),
        (b"\xff", "json"),
        (b'"\xff"', "json"),
        (b'"\\ud800"', "json"),
        (b"NaN", "json"),
        (b"[Infinity]", "json"),
        (b"1e999", "json"),
        (b"9" * 5000, "json"),
        (b"\xef\xbb\xbf{}", "json"),
        (b"[" * 100_000, "depth"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "depth"),
        (b'{"a":' * 600 + b"1" + b"}" * 600, "depth"),
    ],
)
def test_what_is_no_json_of_ours_is_one_problem(data: bytes, keyword: str) -> None:
    value, problems = contract({}).decode(data)
    assert value is None
    assert [each.keyword for each in problems] == [keyword]


def test_depth_counts_nesting_and_not_brackets() -> None:
    wide = b"[" + b",".join([b"[[]]"] * 1000) + b"]"
    deepest = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert contract({}).decode(wide)[1] == []
    assert contract({}).decode(deepest)[1] == []


def test_of_a_name_that_is_there_twice_the_last_counts() -> None:
    assert contract({}).decode(b'{"a": 1, "a": 2}') == ({"a": 2}, [])


def test_i8_there_are_never_more_than_twenty_problems() -> None:
    assert len(found(["x"] * 100, {"items": {"type": "integer"}})) == MAX_PROBLEMS
    names = {f"n{index}": 1 for index in range(100)}
    closed = {"properties": {"a": {}}, "additionalProperties": False}
    assert len(found(names, closed)) == MAX_PROBLEMS
    assert found(names, {"additionalProperties": False}) == [
        ("", "maxProperties", "more than 0 properties")
    ]


def test_i8_a_large_invalid_document_is_told_by_its_first_problem_only() -> None:
    told = found(["x"] * 300_000, {"items": {"type": "integer"}})
    assert [each[0] for each in told] == ["/0", ""]


def test_i8_a_long_name_is_cut_in_the_pointer() -> None:
    closed = {"properties": {"a": {}}, "additionalProperties": False}
    ((pointer, _, _),) = found({"x" * 100_000: 1}, closed)
    assert len(pointer) < 400


def test_i8_a_pattern_that_backtracks_for_ever_is_refused_quickly() -> None:
    told = found("a" * 5000 + "!", {"pattern": r"^(?=(a+)+$)(a+)+\1$"})
    assert len(told) == 1


def test_what_json_cannot_express_is_a_problem_and_not_a_crash() -> None:
    schema = {"minLength": 1, "items": {"type": "string"}, "propertyNames": {"minLength": 1}}
    for value in ({1: 2}, b"x", "\ud800", [object()]):
        (problem,) = contract(schema).problems(value)
        assert problem.keyword == "json"


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_decode_never_raises_on_bytes(data: bytes) -> None:
    contract(ORDER).decode(data)


@given(ANY_JSON)
@settings(max_examples=200, deadline=None)
def test_decode_never_raises_on_json(value: object) -> None:
    data = json.dumps(value).encode()
    read, problems = contract(ORDER).decode(data)
    assert problems == contract(ORDER).problems(read) or read is None


@pytest.mark.parametrize(
    ("schema", "pointer", "text"),
    [
        ({"type": "text"}, "/type", "not one of the allowed values"),
        ({"properties": {"a": {"minLength": "x"}}}, "/properties/a/minLength", "whole number"),
        ({"pattern": "("}, "/pattern", "regex"),
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, "/$schema", "2020-12"),
        ({"$ref": "#/$defs/nowhere"}, "", "does not exist"),
        ({"$ref": "http://127.0.0.1:9/x.json"}, "", "disabled"),
        ({"$ref": "file:///etc/passwd"}, "", "disabled"),
        ({"$id": "http://127.0.0.1:9/a", "$ref": "b"}, "", "disabled"),
    ],
)
def test_a_schema_that_cannot_be_used_halts_with_the_place(
    schema: dict[str, Any], pointer: str, text: str
) -> None:
    with pytest.raises(Halt) as caught:
        contract(schema).compile()
    (problem,) = caught.value.problems
    assert problem.pointer == pointer
    assert text in problem.message


def test_draft_7_is_accepted_with_its_own_meaning() -> None:
    draft = "http://json-schema.org/draft-07/schema#"
    schema = {"$schema": draft, "items": [{"type": "integer"}]}
    assert found(["x"], schema) == [("/0", "type", "expected a whole number")]


def test_contracts_are_equal_by_what_they_say() -> None:
    assert contract(dict(ORDER)) == contract(json.loads(json.dumps(ORDER)))
    assert contract({}) != contract({"type": "object"})
