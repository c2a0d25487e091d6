"""Tells callers what is deprecated: ``Deprecation`` (RFC 9745) and ``Sunset`` (RFC 8594)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from email.utils import format_datetime

from crossdock.contracts import Deprecation
from crossdock.gateway.asgi import Header


def deprecation_headers(deprecated: Deprecation | None) -> tuple[Header, ...]:
    """Return the response headers of a contract; none when it is not deprecated."""
    if deprecated is None:
        return ()
    since = (b"deprecation", b"@%d" % _midnight(deprecated.since).timestamp())
    if deprecated.sunset is None:
        return (since,)
    sunset = format_datetime(_midnight(deprecated.sunset), usegmt=True)
    return since, (b"sunset", sunset.encode())


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
