"""Which fields an expression looks at."""

from __future__ import annotations

import pytest

from crossdock.router.seen_values import seen_values

DATA = {
    "country": "DE",
    "total": 5,
    "customer": {"name": "Ada", "home town": "Bonn"},
    "lines": [{"sku": "a", "qty": 2}, {"sku": "b", "qty": 7}],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('country = "DE" and total > 1', {"country": '"DE"', "total": "5"}),
        ("missing.field = 2", {"missing.field": None}),
        ("$sum(lines.(qty * 2)) > 3", {"lines.qty": "[2,7]"}),
        ("$exists(customer.`home town`)", {"customer.`home town`": '"Bonn"'}),
        ("$.total > 1 or $$.total < 0", {"total": "5"}),
        ("$contains(country, /D.total/)", {"country": '"DE"'}),
        ('country = "total" /* customer */', {"country": '"DE"'}),
        ("total in [1..5]", {"total": "5"}),
        ("($c := customer; $c.nothing)", {"customer": '{"name":"Ada","home town":"Bonn"}'}),
        ("(total + 1).nothing", {"total": "5"}),
    ],
)
def test_the_fields_and_their_values(text: str, expected: dict[str, str | None]) -> None:
    assert {each.path: each.value for each in seen_values(text, DATA)} == expected


@pytest.mark.parametrize("text", ["lines[qty > 3].sku", "lines^(>qty).sku", "lines{sku: qty}"])
def test_a_field_in_brackets_belongs_to_the_list_before_them(text: str) -> None:
    found = {each.path: each.value for each in seen_values(text, DATA)}
    assert found["lines.qty"] == "[2,7]"
    assert found["lines.sku"] == '["a","b"]'
    assert found.keys() == {"lines", "lines.qty", "lines.sku"}


def test_a_long_value_is_shortened() -> None:
    (seen,) = seen_values("note = 1", {"note": "x" * 1000})
    assert seen.value is not None
    assert len(seen.value) == 80
