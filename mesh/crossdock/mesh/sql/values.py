"""From what a driver returns to what JSON can hold: pure, no I/O."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from decimal import Decimal
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import Any, Final
from uuid import UUID

_PLAIN: Final = (str, int, type(None))  # bool is an int
_TEXT: Final = (
    UUID,
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
_INT64: Final = 2**63


class NotText(bytes):
    """What a text column holds when it is not UTF-8, which SQLite allows."""

    __slots__ = ()


def sqlite_text(data: bytes) -> str | NotText:
    """Read a text of SQLite; one broken text must not break the reading of all the others."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return NotText(data)


def json_value(value: Any, *, decimal_text: bool) -> Any:  # noqa: ANN401 - any value of a driver
    """Return what stands for a value in JSON.

    Args:
        value: As the driver returned it; times are texts already.
        decimal_text: Whether a decimal number becomes a text, which keeps all its digits.

    Raises:
        ValueError: When nothing does, without the value.
    """
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, Decimal):
        return str(value) if decimal_text else _number(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _encoded(value)
    if isinstance(value, _TEXT):
        return str(value)
    return _nested(value, decimal_text=decimal_text)


def _nested(value: Any, *, decimal_text: bool) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, Mapping):
        return {k: json_value(each, decimal_text=decimal_text) for k, each in value.items()}
    if isinstance(value, Sequence):
        return [json_value(each, decimal_text=decimal_text) for each in value]
    raise ValueError(f"holds a {type(value).__name__}, for which JSON has nothing")


def _encoded(value: bytes | bytearray | memoryview) -> str:
    if isinstance(value, NotText):
        raise ValueError("holds text that is not UTF-8")  # noqa: TRY004 - a value, not a type
    return b64encode(value).decode()


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("holds a number that is not finite, for which JSON has nothing")
    return value


def _number(value: Decimal) -> int | float:
    if value.is_finite() and value == value.to_integral_value() and abs(value) < _INT64:
        return int(value)
    return _finite(float(value))
