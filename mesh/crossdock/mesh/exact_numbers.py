"""Integers that an expression would change: those that a double cannot hold exactly.

The expression engine computes with doubles, so of ``9007199254740993`` it makes ``…992``. Such a
number is refused before a mapping sees it, never changed in silence (I5).
"""

from __future__ import annotations

import re
from typing import Final

from crossdock.contracts import Problem
from crossdock.mesh.expression import Json

_LARGEST: Final = 2**53 - 1
_STRIDE: Final = 8
_MANY_DIGITS: Final = re.compile(rb"\d{16}")  # 2^53 has 16
_PAIR: Final = re.compile(rb"\d\d")  # what 16 digits leave when every eighth byte is looked at


def inexact_number(data: bytes, value: Json) -> Problem | None:
    """Return where the first integer beyond 2^53 - 1 is, or None when there is none.

    Args:
        data: The value as JSON; looked at first, because almost none has so many digits.
        value: The same, decoded.
    """
    if _PAIR.search(data[::_STRIDE]) is None or _MANY_DIGITS.search(data) is None:
        return None
    waiting: list[tuple[str, Json]] = [("", value)]
    while waiting:
        pointer, each = waiting.pop()
        if type(each) is int and abs(each) > _LARGEST:
            return Problem(
                message="an integer beyond 2^53 would lose digits when mapped: send it as text",
                pointer=pointer,
                keyword="number",
            )
        if isinstance(each, dict):
            waiting.extend((f"{pointer}/{_escape(key)}", child) for key, child in each.items())
        elif isinstance(each, list):
            waiting.extend((f"{pointer}/{at}", child) for at, child in enumerate(each))
    return None


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
