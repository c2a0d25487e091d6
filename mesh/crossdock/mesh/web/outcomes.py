"""What an answer, or its absence, means: the one mapping from HTTP to instructions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Literal

import httpx

from crossdock.contracts import CrossdockError, Disconnected, Halt, Reject, Retry

LONGEST_WAIT: Final = 3600.0
"""Seconds of ``Retry-After`` that are believed."""

_LATER: Final = frozenset({408, 425, 429})  # RFC 9110, RFC 8470, RFC 6585
_CREDENTIALS: Final = frozenset({401, 403, 407})


def of_answer(
    status: int,
    headers: Mapping[str, str],
    *,
    conflict: Literal["done", "reject"],
    now: datetime,
) -> CrossdockError | None:
    """Return what an answer means: None when the message is delivered.

    Args:
        status: HTTP status.
        headers: Headers of the answer, looked up in lower case.
        conflict: What 409 means.
        now: The time, for a ``Retry-After`` with a date.
    """
    text = f"the server answered {status}"
    if 200 <= status < 300 or (status == 409 and conflict == "done"):  # noqa: PLR2004 - RFC 9110
        return None
    if status in _CREDENTIALS:
        return Halt(f"{text}: check the credentials in auth, and what they may do")
    if status in _LATER or status >= 500:  # noqa: PLR2004 - RFC 9110
        return Retry(text, after=retry_after(headers.get("retry-after", ""), now))
    if status < 400:  # noqa: PLR2004 - RFC 9110
        return Halt(f"{text}, a redirect, which is never followed: write the new address in url")
    return Reject(text)


def of_failure(error: httpx.TransportError) -> CrossdockError:
    """Return what it means that there was no answer."""
    kind = type(error).__name__
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
        return Disconnected(f"no connection to the server ({kind})")  # nothing was sent
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return Halt(f"the request cannot be sent as the settings say ({kind})")
    # It may have been done or not: the same id again, so that the server can tell.
    return Retry(f"no whole answer from the server ({kind})")


def retry_after(text: str, now: datetime) -> float | None:
    """Return the seconds that a ``Retry-After`` says, within bounds; None when it says nothing."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return min(max((date - now).total_seconds(), 0.0), LONGEST_WAIT)
