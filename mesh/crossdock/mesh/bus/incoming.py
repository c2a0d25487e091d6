"""A message that a consumer delivered, and the four ways to settle it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crossdock.contracts import Message

if TYPE_CHECKING:
    from nats.aio.msg import Msg

_SHORT = 9  # $JS.ACK.<stream>.<consumer>.<delivered>.<sseq>.<cseq>.<time>.<pending>


class Incoming:
    """One delivery of one message. Settle it once (I2); settling again does nothing."""

    __slots__ = ("_message", "delivered", "msg", "sequence", "settled", "timestamp")

    def __init__(self, msg: Msg) -> None:
        """Wrap what the client received.

        Raises:
            ValueError: When the reply subject is not that of a JetStream delivery.
        """
        self.msg = msg
        tokens = msg.reply.split(".")
        at = 4 if len(tokens) == _SHORT else 6  # newer servers put domain and account in front
        self.delivered = int(tokens[at])
        self.sequence = int(tokens[at + 1])
        self.timestamp = int(tokens[at + 3])
        self.settled = False
        self._message: Message | None = None

    @property
    def consumer_sequence(self) -> int:
        """Number of this delivery: the consumer counts them from 1, redeliveries too."""
        tokens = self.msg.reply.split(".")
        return int(tokens[6 if len(tokens) == _SHORT else 8])

    @property
    def subject(self) -> str:
        """Subject that it was published on."""
        return self.msg.subject

    @property
    def data(self) -> bytes:
        """The payload."""
        return self.msg.data

    @property
    def headers(self) -> dict[str, str]:
        """All headers, ours and the broker's."""
        return self.msg.headers or {}

    def message(self) -> Message:
        """Return the canonical message.

        Raises:
            ValueError: When it is not a CloudEvents message.
        """
        if self._message is None:
            self._message = Message.from_headers(self.msg.headers, self.msg.data)
        return self._message

    def drop_body(self) -> None:
        """Hold headers and data no longer: they are read again when they are wanted."""
        self.msg.headers, self.msg.data, self._message = None, b"", None

    def read_again(self, headers: dict[str, str], data: bytes) -> None:
        """Take headers and data as they were read from the stream."""
        self.msg.headers, self.msg.data, self._message = headers, data, None

    async def ack(self) -> None:
        """Its effects are durable."""
        await self._settle(b"+ACK")

    async def nak(self, delay: float) -> None:
        """Deliver it again after this many seconds; always with a delay (a bare nak spins)."""
        nanoseconds = math.ceil(max(delay, 0.001) * 1e9)
        await self._settle(b'-NAK {"delay": %d}' % nanoseconds)

    async def term(self) -> None:
        """Never deliver it again. Only after its dead letter has its PubAck (I2)."""
        await self._settle(b"+TERM")

    async def in_progress(self) -> None:
        """Still working on it: the broker starts its acknowledgement wait anew."""
        if not self.settled:
            await self.msg._client.publish(self.msg.reply, b"+WPI")  # noqa: SLF001 - nats-py's own way

    async def _settle(self, verb: bytes) -> None:
        if self.settled:
            return
        self.settled = True
        await self.msg._client.publish(self.msg.reply, verb)  # noqa: SLF001 - as Msg.ack does

    def __repr__(self) -> str:  # I6: a payload is in no repr
        return f"Incoming({self.subject!r}, sequence={self.sequence}, delivered={self.delivered})"
