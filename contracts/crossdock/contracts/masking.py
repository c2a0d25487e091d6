"""Hiding what is personal before a person sees it (I6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

MASK: Final = "•••"
"""What stands in the place of a personal value."""
_EVERY: Final = "*"


def masked(value: Any, pointers: Iterable[str]) -> Any:  # noqa: ANN401 - JSON is untyped
    """Return a JSON value with what is personal replaced by :data:`MASK`; the given one stays.

    Args:
        value: JSON-like Python.
        pointers: JSON Pointers (RFC 6901); ``*`` stands for every item of a list and every member
            of an object. One that points to nothing hides nothing.
    """
    for pointer in pointers:
        value = _hide(value, _tokens(pointer))
    return value


def is_personal(pointer: str, pointers: Iterable[str]) -> bool:
    """Tell whether a place is personal, lies in something personal, or holds something personal."""
    here = _tokens(pointer)
    return any(
        all(own in (_EVERY, each) for own, each in zip(_tokens(one), here, strict=False))
        for one in pointers
    )


def _tokens(pointer: str) -> list[str]:
    return [each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:]]


def _hide(value: Any, tokens: list[str]) -> Any:  # noqa: ANN401 - as above
    if not tokens:
        return MASK
    keys = set(_keys(value, tokens[0]))
    if isinstance(value, dict):
        return {k: _hide(v, tokens[1:]) if k in keys else v for k, v in value.items()}
    if isinstance(value, list):
        return [_hide(v, tokens[1:]) if at in keys else v for at, v in enumerate(value)]
    return value


def _keys(value: Any, token: str) -> Iterator[str | int]:  # noqa: ANN401 - as above
    if isinstance(value, dict):
        yield from value if token == _EVERY else (token,)
    elif isinstance(value, list):
        if token == _EVERY:
            yield from range(len(value))
        elif token.isdecimal():
            yield int(token)
