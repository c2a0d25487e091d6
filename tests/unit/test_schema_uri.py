from __future__ import annotations

import pytest

from crossdock.contracts.schema_uri import joined

FILE = "project:/contracts/sales/order.placed/1.0.0.schema.json"


@pytest.mark.parametrize(
    ("base", "reference", "expected"),
    [
        ("", "", ""),
        ("", "item", "item"),
        ("", "#/$defs/a", "#/$defs/a"),
        ("list", "item", "item"),
        (FILE, "", FILE),
        (FILE, "#a", f"{FILE}#a"),
        (FILE, "../../definitions/a.json#/b", "project:/contracts/definitions/a.json#/b"),
        (FILE, "../../../../../etc/passwd", "project:/etc/passwd"),
        (FILE, "https://example.com/a", "https://example.com/a"),
        (FILE, "urn:uuid:1", "urn:uuid:1"),
        ("https://example.com/a/b", "c", "https://example.com/a/c"),
        ("https://example.com/a/b", "/c", "https://example.com/c"),
        ("urn:uuid:1", "#a", "urn:uuid:1#a"),
    ],
)
def test_a_reference_is_joined_to_what_it_stands_in(
    base: str, reference: str, expected: str
) -> None:
    assert joined(base, reference) == expected
