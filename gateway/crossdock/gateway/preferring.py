"""What a caller prefers: ``Prefer: wait=10``, ``Prefer: respond-async`` (RFC 7240)."""

from __future__ import annotations

import re
from typing import Final

import msgspec

_ITEM: Final = re.compile(
    r"""\s*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64})   # token
        (?:\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,;"]*))?  # its value
        ((?:[^,"]|"(?:[^"\\]|\\.)*")*)(?:,|\Z)   # parameters, of which we know none
    """,
    re.VERBOSE,
)
_SECONDS: Final = re.compile(r"[0-9]{1,9}\Z")
_LONGEST: Final = 512
_NONE: Final = re.compile(r"[\s,]*\Z")


class Preferences(msgspec.Struct, frozen=True):
    """What the gateway understands of a ``Prefer`` header.

    Attributes:
        wait: Seconds for which the caller would wait; None when it does not say.
        respond_async: It takes a 202, and comes again for the reply.
    """

    wait: int | None = None
    respond_async: bool = False


def preferences(headers: dict[bytes, bytes]) -> Preferences:
    """Return what a caller prefers. What cannot be read is not there (RFC 7240, section 2)."""
    value = headers.get(b"prefer")
    if value is None or len(value) > _LONGEST:
        return _NOTHING
    found: dict[str, str] = {}
    text, at = value.decode("latin-1"), 0
    while not _NONE.match(text, at):
        item = _ITEM.match(text, at)
        if item is None:
            return _NOTHING
        found.setdefault(item[1].lower(), (item[2] or "").strip('"'))  # the first one counts
        at = item.end()
    wait = found.get("wait", "")
    return Preferences(
        wait=int(wait) if _SECONDS.match(wait) else None, respond_async="respond-async" in found
    )


_NOTHING: Final = Preferences()
