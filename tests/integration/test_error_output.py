"""What is told of bad data: in JSON Schema's "basic" shape, and with nothing of the data in it."""

from __future__ import annotations

import json
from typing import Any, Final

import jsonschema_rs
import pytest

from crossdock.contracts import Contract, Halt, Problem
from crossdock.gateway.openapi_answers import PROBLEM
from crossdock.gateway.problems import Refused
from json_schema_suite import SUITE, Case, cases

OUTPUT: Final = SUITE / "output-tests" / "draft2020-12" / "output-schema.json"
PAYLOAD: Final = "a text of the payload"
NUMBER: Final = 7777777771


def hidden(value: Any) -> Any:  # noqa: ANN401 - JSON is untyped
    """Put a mark in the place of every text and number; names of members stay."""
    if isinstance(value, dict):
        return {name: hidden(each) for name, each in value.items()}
    if isinstance(value, list):
        return [hidden(each) for each in value]
    if isinstance(value, str):
        return PAYLOAD
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return NUMBER if is_number else value


def refusals(case: Case) -> list[list[Problem]]:
    """Return the problems of a group's data, with and without its own values."""
    if not isinstance(case.schema, dict):
        return []
    contract = Contract("a.b.c", "1.0.0", case.schema)
    try:
        contract.compile()
    except Halt:
        return []
    given = [each["data"] for each in case.tests]
    found = [contract.problems(value) for each in given for value in (each, hidden(each))]
    return [problems for problems in found if problems]


@pytest.fixture(scope="module")
def all_refusals() -> list[list[Problem]]:
    suite = [*cases("draft2020-12"), *cases("draft7")]
    return [problems for case in suite for problems in refusals(case)]


def test_i6_no_error_holds_a_text_or_number_of_the_data(
    all_refusals: list[list[Problem]],
) -> None:
    assert len(all_refusals) > 2000
    for problems in all_refusals:
        body = Refused("invalid-data", "x", errors=problems).body().decode()
        assert PAYLOAD not in body
        assert str(NUMBER) not in body


def test_a_refusal_is_the_basic_output_of_json_schema(all_refusals: list[list[Problem]]) -> None:
    schema = json.loads(OUTPUT.read_text())
    validator = jsonschema_rs.Draft202012Validator(
        {**schema, "anyOf": [{"$ref": "#/$defs/basic"}]}, validate_formats=True, offline=True
    )
    documented = jsonschema_rs.Draft202012Validator(PROBLEM, validate_formats=True)
    for problems in all_refusals:
        answer = json.loads(Refused("invalid-data", "x", errors=problems).body())
        assert [str(each) for each in validator.iter_errors(answer)] == []
        assert documented.is_valid(answer)
        assert len(answer["errors"]) == len(problems)


def test_a_keyword_is_told_by_the_way_to_it_and_by_where_it_is_written() -> None:
    contract = Contract(
        "sales.order.placed",
        "1.0.0",
        {
            "properties": {"lines": {"items": {"$ref": "#/$defs/line"}}},
            "$defs": {"line": {"required": ["sku"]}},
        },
    )
    (problem,) = contract.problems({"lines": [{}]})
    assert problem.pointer == "/lines/0"
    assert problem.keyword_location == "/properties/lines/items/$ref/required"
    assert problem.absolute_keyword_location == (
        "crossdock:sales.order.placed/1.0.0#/%24defs/line/required"
    )
