"""Headers that settings may add to requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}\Z")  # RFC 9110 field-name
_VALUE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]{0,4094}[\x21-\x7e])?\Z")
_OURS: Final = frozenset(
    {
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "idempotency-key",
        "traceparent",
        "tracestate",
        "transfer-encoding",
    }
)


def may_be_set(name: str) -> bool:
    """Tell whether settings may set a header: it is one, and none of those that we set."""
    return _NAME.match(name) is not None and name.lower() not in _OURS


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse headers that may not be set.

    Raises:
        ValueError: With a text for the person who wrote it.
    """
    for name, value in headers.items():
        if not may_be_set(name) or name.lower().startswith("ce-"):
            raise ValueError(f"headers: {name[:64]!r} is not a header that may be set here")
        if not _VALUE.match(value):
            raise ValueError(f"headers: the value of {name!r} is not printable ASCII")
