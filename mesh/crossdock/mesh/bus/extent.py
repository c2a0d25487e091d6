"""From where to where a stream goes, and how much it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from nats.errors import Error as NatsError

from crossdock.contracts import Disconnected

if TYPE_CHECKING:
    from nats.aio.client import Client

_TIMEOUT = 5.0


class Extent(msgspec.Struct, frozen=True, kw_only=True):
    """What a stream holds.

    Attributes:
        first: First sequence that is there; the one after the last when nothing is.
        last: Last sequence that was given.
        messages: How many are there.
        size: Their bytes.
    """

    first: int
    last: int
    messages: int
    size: int


async def extent_of(client: Client, stream: str) -> Extent:
    """Ask the broker.

    Raises:
        Disconnected: It does not answer, or has no such stream.
    """
    try:
        answer = await client.request(f"$JS.API.STREAM.INFO.{stream}", b"", timeout=_TIMEOUT)
        state = msgspec.json.decode(answer.data, type=_Info).state
    except (NatsError, msgspec.DecodeError) as error:
        raise Disconnected(f"stream {stream}: {type(error).__name__}") from error
    if state is None:
        raise Disconnected(f"stream {stream} is not there yet")
    first = state.first_seq if state.messages else state.last_seq + 1
    return Extent(first=first, last=state.last_seq, messages=state.messages, size=state.bytes)


class _State(msgspec.Struct):
    messages: int
    bytes: int
    first_seq: int
    last_seq: int


class _Info(msgspec.Struct):
    state: _State | None = None
