"""Makes numbers within limits."""

from __future__ import annotations

import math
from fractions import Fraction
from random import Random
from typing import Any, Final

_SPAN: Final = 1000
_CENTS: Final = 100


def number_of(schema: dict[str, Any], random: Random, *, whole: bool) -> float:
    """Return a number for a schema; with two digits after the point, when the limits let it.

    Args:
        schema: With the limits.
        random: Where chance comes from.
        whole: Only whole numbers.

    Raises:
        ValueError: There is none within the limits.
    """
    low, high = _limits(schema)
    step = _exact(schema.get("multipleOf", 1 if whole else "0.01"))
    if whole:
        step = Fraction(math.lcm(step.numerator, step.denominator), step.denominator)
    if low is None:
        low = Fraction(0) if high is None or high > 0 else high - _SPAN * step
    high = low + (_SPAN if whole else 10 * _SPAN) * step if high is None else high
    first, last = math.ceil(low / step), math.floor(high / step)
    if _excluded(schema, "exclusiveMinimum", first * step):
        first += 1
    if _excluded(schema, "exclusiveMaximum", last * step):
        last -= 1
    if first > last:
        if whole or "multipleOf" in schema or high <= low:
            raise ValueError("no number is within the limits")
        return float((low + high) / 2)
    chosen = random.randint(first, last) * step
    return int(chosen) if chosen.denominator == 1 else float(chosen)


def _limits(schema: dict[str, Any]) -> tuple[Fraction | None, Fraction | None]:
    lows = [schema[each] for each in ("minimum", "exclusiveMinimum") if each in schema]
    highs = [schema[each] for each in ("maximum", "exclusiveMaximum") if each in schema]
    return (
        max(map(_exact, lows)) if lows else None,
        min(map(_exact, highs)) if highs else None,
    )


def _excluded(schema: dict[str, Any], keyword: str, number: Fraction) -> bool:
    return keyword in schema and _exact(schema[keyword]) == number


def _exact(number: float | str) -> Fraction:
    return Fraction(str(number))  # as written: 0.01 is a hundredth, and not the double next to it
