"""Reading what a stream holds, without a consumer: JetStream's batched direct get."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from nats.errors import Error as NatsError

from crossdock.contracts import Disconnected

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

_PAGE = 256
_PAGE_BYTES = 8 * 1024 * 1024
_TIMEOUT = 5.0
_NOT_FOUND = "404"
_END = "204"


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """One message as a stream holds it.

    Attributes:
        subject: Subject that it was published on.
        sequence: Its sequence in the stream.
        time: RFC 3339 time at which it was stored.
        headers: All headers but those that this reading adds.
        data: The payload.
    """

    subject: str
    sequence: int
    time: str
    headers: dict[str, str]
    data: bytes

    def __repr__(self) -> str:  # I6
        return f"Stored({self.subject!r}, sequence={self.sequence}, {len(self.data)} bytes)"


async def read_stream(
    client: Client,
    stream: str,
    *,
    subject: str = ">",
    sequence: int = 1,
    since: datetime | None = None,
) -> AsyncIterator[Stored]:
    """Yield the messages of a stream in order, from a sequence or a time to its end.

    Raises:
        Disconnected: The broker does not answer.
    """
    start: dict[str, Any] = {"seq": sequence}
    if since is not None:
        start = {"start_time": since.isoformat()}
    while True:
        page = await _page(client, stream, start | {"next_by_subj": subject})
        for each in page:
            yield each
        if not page:
            return
        start = {"seq": page[-1].sequence + 1}


async def read_one(client: Client, stream: str, sequence: int) -> Stored | None:
    """Return the message with a sequence, or None when the stream does not have it.

    Raises:
        Disconnected: The broker does not answer.
    """
    try:
        msg = await client.request(
            f"$JS.API.DIRECT.GET.{stream}",
            msgspec.json.encode({"seq": sequence}),
            timeout=_TIMEOUT,
        )
    except NatsError as error:
        raise Disconnected(f"stream {stream} cannot be read: {type(error).__name__}") from error
    return None if (msg.headers or {}).get("Status") else as_stored(msg)


async def read_last(client: Client, stream: str, subjects: Sequence[str]) -> list[Stored]:
    """Return the last message of each subject that has one; an answer may hold only some of them.

    Args:
        client: Connection.
        stream: Name of the stream.
        subjects: Without wildcards; at most a few hundred.

    Raises:
        Disconnected: The broker does not answer.
    """
    return await _page(client, stream, {"multi_last": list(subjects)})


async def count_from(client: Client, stream: str, subject: str, sequence: int) -> int:
    """Return how many messages of a subject a stream holds from a sequence on.

    Raises:
        Disconnected: The broker does not answer.
    """
    request = {"seq": sequence, "next_by_subj": subject, "batch": 1}
    try:
        msg = await client.request(
            f"$JS.API.DIRECT.GET.{stream}", msgspec.json.encode(request), timeout=_TIMEOUT
        )
    except NatsError as error:
        raise Disconnected(f"stream {stream} cannot be read: {type(error).__name__}") from error
    headers = msg.headers or {}
    if headers.get("Status") == _NOT_FOUND:
        return 0
    if headers.get("Status"):
        raise Disconnected(f"stream {stream} cannot be read: status {headers['Status']}")
    return int(headers["Nats-Num-Pending"]) + 1  # those behind it, and itself


async def _page(client: Client, stream: str, start: dict[str, Any]) -> list[Stored]:
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox)
    request = start | {"batch": _PAGE, "max_bytes": _PAGE_BYTES}
    page: list[Stored] = []
    try:
        await client.publish(
            f"$JS.API.DIRECT.GET.{stream}", msgspec.json.encode(request), reply=inbox
        )
        async with asyncio.timeout(_TIMEOUT):
            async for msg in subscription.messages:
                status = (msg.headers or {}).get("Status")
                if status in (_NOT_FOUND, _END):
                    return page
                if status:
                    raise Disconnected(f"stream {stream} cannot be read: status {status}")
                page.append(as_stored(msg))
    except (NatsError, TimeoutError) as error:
        raise Disconnected(f"stream {stream} cannot be read: {type(error).__name__}") from error
    finally:
        await subscription.unsubscribe()
    return page


def as_stored(msg: Msg) -> Stored:
    """Return a message that the server got from a stream."""
    headers = dict(msg.headers or {})
    headers.pop("Nats-Stream", None)
    headers.pop("Nats-Num-Pending", None)
    headers.pop("Nats-Last-Sequence", None)
    return Stored(
        subject=headers.pop("Nats-Subject"),
        sequence=int(headers.pop("Nats-Sequence")),
        time=headers.pop("Nats-Time-Stamp"),
        headers=headers,
        data=msg.data,
    )
