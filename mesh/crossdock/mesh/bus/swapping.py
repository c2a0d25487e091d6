"""Conditional writes: all of them together, or none because somebody else was there first.

A write may expect the sequence of the last message on its subject (compare and set). Several are
one atomic batch (ADR-50 of the server): the expectations are checked against the stream as it was
before the batch, so a subject may be in it once only. Tried on nats-server 2.15.1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError

from crossdock.contracts import Disconnected, Reject
from crossdock.mesh.bus.committing import Ack, instruction

if TYPE_CHECKING:
    from nats.aio.client import Client

_TIMEOUT = 5.0
_AT_ONCE = 8  # the server takes 50 open batches for a stream, from all processes
_OTHER_WAS_FIRST = 10071  # wrong last sequence
_TOO_MANY_BATCHES = 10210


class Swap(NamedTuple):
    """One conditional write.

    Attributes:
        subject: Where it goes.
        data: The payload.
        headers: Of the message.
        expected: Sequence of the last message on the subject, 0 for none; None when it does not
            matter.
    """

    subject: str
    data: bytes
    headers: dict[str, str]
    expected: int | None = None

    def all_headers(self) -> dict[str, str]:
        """Return its headers with its expectation."""
        if self.expected is None:
            return dict(self.headers)
        return self.headers | {"Nats-Expected-Last-Subject-Sequence": str(self.expected)}


class Swapper:
    """Makes conditional writes into one stream."""

    def __init__(
        self, client: Client, stream: str, *, timeout: float = _TIMEOUT, at_once: int = _AT_ONCE
    ) -> None:
        self._client = client
        self._stream = stream
        self._timeout = timeout
        self._batches = 0
        self._slots = asyncio.Semaphore(at_once)

    async def swap(self, items: Sequence[Swap]) -> int | None:
        """Write 1 to 1,000 messages on different subjects, all or none.

        Returns:
            Sequence of the first, the others follow; None when an expectation did not hold.

        Raises:
            Disconnected: It is not known whether they were written: read again.
            Retry: The broker has no room or is too busy.
            Reject: One can never be stored.
        """
        if not self._client.is_connected:
            raise Disconnected("the broker is not connected")
        async with self._slots:
            try:
                answer = await self._write(items)
                ack = msgspec.json.decode(answer, type=Ack)
            except MaxPayloadError as error:
                raise Reject("the message is larger than the broker accepts") from error
            except (NatsError, msgspec.DecodeError) as error:
                why = type(error).__name__
                raise Disconnected(f"stream {self._stream} did not confirm: {why}") from error
        if ack.error is None:
            return ack.seq - len(items) + 1
        if ack.error.err_code in (_OTHER_WAS_FIRST, _TOO_MANY_BATCHES):
            return None
        raise instruction(self._stream, ack.error)

    async def _write(self, items: Sequence[Swap]) -> bytes:
        *first, last = items
        headers = last.all_headers()
        if first:
            self._batches += 1
            batch = {"Nats-Batch-Id": f"{self._client.client_id}-{id(self):x}-s{self._batches}"}
            for number, item in enumerate(first, 1):
                own = item.all_headers() | batch | {"Nats-Batch-Sequence": str(number)}
                await self._client.publish(item.subject, item.data, headers=own)
            headers |= batch | {"Nats-Batch-Sequence": str(len(items)), "Nats-Batch-Commit": "1"}
        answer = await self._client.request(
            last.subject, last.data, timeout=self._timeout, headers=headers
        )
        return answer.data
