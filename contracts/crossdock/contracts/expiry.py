"""Until when a message is wanted: the CloudEvents extension attribute ``expirytime``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from crossdock.contracts.errors import Reject
from crossdock.contracts.message import Message

EXPIRY: Final = "expirytime"


def is_expired(message: Message, now: datetime) -> bool:
    """Tell whether nobody wants a message any more; one without the attribute never expires.

    Args:
        message: The message.
        now: The time, with its zone.

    Raises:
        Reject: The attribute is there and is no time.
    """
    text = message.extensions.get(EXPIRY)
    if text is None:
        return False
    expiry = read_time(text)
    if expiry is None:
        raise Reject(f"attribute {EXPIRY} is not an RFC 3339 time with its zone")
    return expiry <= now


def read_time(text: str) -> datetime | None:
    """Return an RFC 3339 time, or None when the text is none."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if time.tzinfo is None else time


def write_time(time: datetime) -> str:
    """Return an RFC 3339 time in UTC, to the millisecond."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
