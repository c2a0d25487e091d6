"""Differences in what is said of numbers and of strings."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from crossdock.contracts.compatibility.pair import Pair

_NUMBERS: Final = {
    "maximum": "maximum",
    "minimum": "minimum",
    "exclusiveMaximum": "exclusive-maximum",
    "exclusiveMinimum": "exclusive-minimum",
}
_STRINGS: Final = {"maxLength": "max-length", "minLength": "min-length"}
_TEXTS: Final = {
    "pattern": "pattern",
    "format": "format",
    "contentEncoding": "content-encoding",
    "contentMediaType": "content-media-type",
}


def compare_numbers(pair: Pair) -> None:
    """Compare bounds and divisors."""
    compare_bounds(pair, _NUMBERS)
    if pair.added_or_removed("multiple-of", "multipleOf"):
        return
    old, new = pair.old.get("multipleOf"), pair.new.get("multipleOf")
    if old == new:
        return
    before, after = Fraction(str(old)), Fraction(str(new))
    if (after / before).denominator == 1:
        pair.keyword("multiple-of-expanded", "multipleOf")
    elif (before / after).denominator == 1:
        pair.keyword("multiple-of-reduced", "multipleOf")
    else:
        pair.keyword("multiple-of-changed", "multipleOf")


def compare_strings(pair: Pair) -> None:
    """Compare lengths, patterns, formats and content."""
    compare_bounds(pair, _STRINGS)
    for keyword, code in _TEXTS.items():
        gone = pair.added_or_removed(code, keyword)
        if not gone and pair.old.get(keyword) != pair.new.get(keyword):
            pair.keyword(f"{code}-changed", keyword)


def compare_bounds(pair: Pair, bounds: dict[str, str], *with_it: str) -> None:
    """Compare keywords that are a limit.

    Args:
        pair: The places.
        bounds: Code by keyword.
        with_it: Keywords without which their meaning is not known.
    """
    for keyword, code in bounds.items():
        if pair.added_or_removed(code, keyword, *with_it):
            continue
        old, new = pair.old.get(keyword), pair.new.get(keyword)
        if old != new:
            pair.keyword(f"{code}-{'increased' if new > old else 'decreased'}", keyword, *with_it)
