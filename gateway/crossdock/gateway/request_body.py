"""Reads request bodies, bounded in size (I8); the connection bounds the time that they take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from crossdock.gateway.asgi import Receive
from crossdock.gateway.problems import Refused

# A body that is only a little too large is read to its end and thrown away, because a connection
# closed in the middle of a body makes most clients miss the answer.
_READ_ANYWAY: Final = 4


class Gone(Exception):
    """The caller hung up before its body was complete: nobody is there to answer."""


def _counted_already(_size: int) -> None:
    """Do nothing: there is room for so small a body, or for one of this declared length."""


async def read_body(
    receive: Receive,
    headers: dict[bytes, bytes],
    limit: int,
    grow: Callable[[int], None] = _counted_already,
) -> bytes:
    """Return the whole body.

    Args:
        receive: ASGI's.
        headers: Of the request.
        limit: Most bytes; a body without a declared length is counted while it comes in.
        grow: Told how many bytes are held; refuses what there is no room for.

    Raises:
        Refused: When the body is too large, or there is no room for it.
        Gone: When the caller hung up.
    """
    declared = headers.get(b"content-length")
    if declared is not None and int(declared) > limit:
        await _refuse_declared(receive, headers, int(declared), limit)
    event = await receive()
    if event["type"] != "http.request":
        raise Gone
    body: bytes = event["body"]
    if event.get("more_body"):
        body = await _read_on(receive, body, limit, grow)
    if len(body) > limit:
        raise _too_large(limit)
    return body


async def _read_on(
    receive: Receive, first: bytes, limit: int, grow: Callable[[int], None]
) -> bytes:
    body, size, more = bytearray(first), len(first), True
    while more:
        event = await receive()
        if event["type"] != "http.request":
            raise Gone
        size += len(event["body"])
        if size <= limit:
            grow(size)
            body += event["body"]
        elif size > limit * _READ_ANYWAY:
            raise _too_large(limit)
        more = event.get("more_body", False)
    if size > limit:
        raise _too_large(limit)
    return bytes(body)


async def _refuse_declared(
    receive: Receive, headers: dict[bytes, bytes], declared: int, limit: int
) -> None:
    if declared <= limit * _READ_ANYWAY and b"expect" not in headers:
        await _read_on(receive, b"", limit, _counted_already)
    raise _too_large(limit)


def _too_large(limit: int) -> Refused:
    return Refused("too-large", f"The body has more than {limit} bytes.")
