"""An integer that a mapping would change is found, wherever it is (I5)."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.mesh.exact_numbers import inexact_number
from crossdock.mesh.expression import Expression, Json


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        (2**53, ""),
        (-(2**53), ""),
        ({"id": 2**53 + 1}, "/id"),
        ({"a": [{"b/c": 1, "d~": [0, 10**20]}]}, "/a/0/d~0/1"),
        ({"x/y": 2**60}, "/x~1y"),
    ],
)
def test_an_integer_beyond_two_to_53_is_found_at_its_place(value: Json, pointer: str) -> None:
    problem = inexact_number(msgspec.json.encode(value), value)
    assert problem is not None
    assert problem.pointer == pointer
    assert "9007" not in problem.message  # I6


@pytest.mark.parametrize(
    "value", [2**53 - 1, {"text": "90071992547409931234"}, 0.12345678901234567, [1e300], None]
)
def test_what_a_double_holds_is_let_through(value: Json) -> None:
    assert inexact_number(msgspec.json.encode(value), value) is None


@settings(deadline=None)  # a busy machine is no failure
@given(
    before=st.text("ab ", max_size=40),
    number=st.integers(-(2**63), 2**63 - 1),
    after=st.lists(st.integers(-9, 9), max_size=5),
)
def test_no_integer_that_the_engine_changes_gets_by(
    before: str, number: int, after: list[int]
) -> None:
    value = {before: [before, number, after]}
    changed = Expression("$").evaluate(value) != value
    found = inexact_number(msgspec.json.encode(value), value) is not None
    assert found or not changed
