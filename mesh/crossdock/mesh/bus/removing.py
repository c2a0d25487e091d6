"""Removing one message from a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from nats.errors import Error as NatsError

from crossdock.contracts import Disconnected
from crossdock.mesh.bus.reading import read_one

if TYPE_CHECKING:
    from nats.aio.client import Client

_TIMEOUT = 10.0


async def remove_one(client: Client, stream: str, sequence: int, *, erase: bool) -> None:
    """Remove a message; one that is not there is removed already.

    Args:
        client: Connection.
        stream: Name of the stream.
        sequence: Its sequence.
        erase: Overwrite its bytes on the disk, which takes eight times as long.

    Raises:
        Disconnected: The broker does not answer.
    """
    request = msgspec.json.encode({"seq": sequence, "no_erase": not erase})
    subject = f"$JS.API.STREAM.MSG.DELETE.{stream}"
    try:
        answer = await client.request(subject, request, timeout=_TIMEOUT)
        removed = "error" not in msgspec.json.decode(answer.data)
    except (NatsError, msgspec.DecodeError) as error:
        raise Disconnected(f"not removed: {type(error).__name__}") from error
    if not removed and await read_one(client, stream, sequence) is not None:
        raise Disconnected("not removed: the broker refuses")
