from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.contracts import Contract
from crossdock.contracts.inferring import inferred

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def schema_of(*documents: object) -> dict[str, Any]:
    return {k: v for k, v in inferred(documents, "T").items() if k not in ("$schema", "title")}


def test_what_all_have_is_required_and_nothing_else_is_let_in() -> None:
    assert schema_of({"a": 1, "b": "x"}, {"a": 2.5}) == {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"type": "number"}, "b": {"type": "string"}},
        "additionalProperties": False,
    }


def test_a_list_says_what_all_of_its_items_have_in_common() -> None:
    assert schema_of([1, 2], [None]) == {
        "type": "array",
        "items": {"type": ["integer", "null"]},
    }


def test_a_format_is_told_when_every_text_has_it() -> None:
    assert schema_of("2026-01-02T03:04:05Z")["format"] == "date-time"
    assert schema_of("2026-01-02", "2026-02-03")["format"] == "date"
    assert schema_of("ada@example.com")["format"] == "email"
    assert "format" not in schema_of("2026-01-02", "soon")


@given(st.lists(JSON, min_size=1, max_size=3))
@settings(max_examples=50, deadline=None)
def test_the_schema_accepts_every_document_that_it_is_made_of(documents: list[Any]) -> None:
    contract = Contract("a.b.c", "1.0.0", inferred(documents, "T"))
    assert [contract.problems(each) for each in documents] == [[] for _ in documents]
