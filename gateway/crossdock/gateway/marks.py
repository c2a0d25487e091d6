"""Who may mark a message as a test: it ends before the system it is for, so not everybody."""

from __future__ import annotations

from typing import Final

from crossdock.contracts import Problem
from crossdock.contracts.marking import MARK, TEST
from crossdock.gateway.clients import Client
from crossdock.gateway.problems import Refused

HEADER: Final = b"crossdock-test"
_FORBIDDEN: Final = "may not send test messages: give it the scope test (crossdock client add)"


def mark_of(headers: dict[bytes, bytes], client: Client) -> dict[str, str]:
    """Return the attributes by which a request marks its message as a test; none when it does not.

    Raises:
        Refused: The client may not do that, or it is no mark.
    """
    value = headers.get(HEADER)
    if value is None:
        return {}
    if value.decode("latin-1") != MARK:
        raise Refused(
            "malformed-request", f"The header crossdock-test says {MARK}, or is left out."
        )
    if "test" not in client.scopes:
        raise Refused("forbidden", f"The client {client.name} {_FORBIDDEN}.")
    return {TEST: MARK}


def wrong_mark(attributes: dict[str, str], client: Client, at: str) -> Problem | None:
    """Return what is wrong with the mark of an event; None when it has none, or may have it.

    Args:
        attributes: Of the event.
        client: Who sent it.
        at: JSON Pointer of the event.
    """
    value = attributes.get(TEST)
    if value is None:
        return None
    pointer = f"{at}/{TEST}"
    if "test" not in client.scopes:
        text = f"the client {client.name} {_FORBIDDEN}"
        return Problem(message=text, pointer=pointer, keyword="forbidden")
    if value != MARK:
        return Problem(message=f"says {MARK}, or is left out", pointer=pointer, keyword="const")
    return None
