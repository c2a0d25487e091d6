"""What every way in shares: identity, bounds, publishing with PubAck, counting."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

import msgspec

from crossdock.contracts import CrossdockError, Message
from crossdock.gateway.admission import Admission, Place
from crossdock.gateway.asgi import Receive, Send
from crossdock.gateway.clients import Client
from crossdock.gateway.doors import Door, Doors
from crossdock.gateway.problems import Refused, refusal_of, unavailable
from crossdock.gateway.request_body import read_body
from crossdock.mesh.bus import Bus, Published
from crossdock.mesh.fail_points import reach
from crossdock.mesh.project.settings import GatewaySettings
from crossdock.mesh.telemetry.metrics import GatewayMetrics
from crossdock.mesh.telemetry.tracing import Tracing

MESSAGES: Final = "/v1/messages/"
_LONGEST_LENGTH: Final = 18  # digits of a content-length that is worth reading


class Request(msgspec.Struct, frozen=True):
    """A request whose sender is known.

    Attributes:
        headers: By lower-case name.
        client: Who sent it.
        receive: ASGI's.
        send: ASGI's.
        trace: ``traceparent`` and ``tracestate``: the caller's, or the root of a new trace.
    """

    headers: dict[bytes, bytes]
    client: Client
    receive: Receive
    send: Send
    trace: tuple[str, str]


class Ingress:
    """The gateway's state, shared by its ways in.

    Attributes:
        bus: Where messages go.
        doors: The contracts and clients of now; replaced as a whole.
        settings: Of the gateway.
        admission: What is being received or waits for its PubAck.
        metrics: What is counted.
        tracing: Where traces begin.
    """

    def __init__(
        self,
        bus: Bus,
        doors: Doors,
        settings: GatewaySettings,
        metrics: GatewayMetrics,
        tracing: Tracing,
    ) -> None:
        self.bus = bus
        self.doors = doors
        self.settings = settings
        self.admission = Admission(settings.max_pending)
        self.metrics = metrics
        self.tracing = tracing

    def let_in(self, headers: dict[bytes, bytes]) -> Place:
        """Return the place of a request, as large as it says that its body is.

        Raises:
            Refused: There is none.
        """
        declared = headers.get(b"content-length")
        if declared is None:
            return self.admission.place(0)
        most = self.settings.largest_body
        size = most if len(declared) > _LONGEST_LENGTH else min(int(declared), most)
        return self.admission.place(size)

    async def body_of(self, request: Request, place: Place) -> bytes:
        """Return the body of a request.

        Raises:
            Refused: It is too large, or the memory for bodies is used up (I8).
            Gone: The caller hung up before it was complete.
        """
        return await read_body(
            request.receive, request.headers, self.settings.largest_body, place.grow
        )

    async def publish(self, door: Door, message: Message) -> Published:
        """Store one message and return its PubAck (I1).

        Raises:
            Refused: The mesh cannot take it now, or never.
        """
        try:
            async with asyncio.timeout(self.settings.timeout):
                published = await self.bus.publish(door.subject, message)
        except CrossdockError as error:
            raise refusal_of(error) from error
        except TimeoutError as error:
            raise _no_answer() from error
        reach("accepted")
        self.metrics.accepted.inc(message.type)
        return published

    async def publish_many(self, items: Sequence[tuple[Door, Message]]) -> list[Published]:
        """Store messages in order and return their PubAcks (I1).

        Raises:
            Refused: As in :meth:`publish`; it speaks for all of them.
        """
        try:
            async with asyncio.timeout(self.settings.timeout):
                published = await self.bus.publish_many(
                    [(door.subject, message) for door, message in items]
                )
        except CrossdockError as error:
            raise refusal_of(error) from error
        except TimeoutError as error:
            raise _no_answer() from error
        reach("accepted")
        for _, message in items:
            self.metrics.accepted.inc(message.type)
        return published


def location(message_id: str, sequence: int) -> str:
    """Return where the status of a message is; the sequence makes finding it cheap."""
    return f"{MESSAGES}{quote(message_id, safe='')}?seq={sequence}"


def now() -> str:
    """Return the time as CloudEvents writes it, in UTC with milliseconds."""
    return f"{datetime.now(UTC).isoformat(timespec='milliseconds')[:-6]}Z"


def _no_answer() -> Refused:
    return unavailable(
        "The broker did not answer in time; whether it has the message is not known. "
        "Send it again with the same id or Idempotency-Key."
    )
