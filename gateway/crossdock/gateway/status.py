"""``GET /v1/messages/{id}``: where a message is."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from crossdock.contracts import CrossdockError
from crossdock.gateway.asgi import Header, Send
from crossdock.gateway.ingress import Ingress, Request
from crossdock.gateway.problems import Refused, refusal_of, unavailable
from crossdock.mesh.finding import MessageStatus, find

_SEQUENCE: Final = re.compile(rb"(?:[^&]*&)*seq=([0-9]{1,18})(?:&|\Z)")
_LONGEST_ID: Final = 1024
_MOST_SEARCHES: Final = 16


class GetStatus:
    """Tells a client where a message is; only of contracts that the client may send."""

    def __init__(self, ingress: Ingress) -> None:
        self._ingress = ingress
        self._searches = 0

    async def __call__(self, request: Request, message_id: str, query: bytes) -> None:
        """Answer 200 with the status.

        Args:
            request: Of a known client.
            message_id: As in the path.
            query: May hold ``seq``, the hint that makes finding it cheap.

        Raises:
            Refused: There is none, or none that this client may see: the answer is the same.
        """
        hint = _SEQUENCE.match(query)
        status = None
        if 0 < len(message_id) <= _LONGEST_ID:
            status = await self._search(message_id, int(hint[1]) if hint else None)
        clients = self._ingress.doors.clients
        if status is None or not clients.may_send(request.client, status.contract):
            raise Refused("not-found", "There is no such message, or it is no longer kept.")
        await answer_json(request.send, status)

    async def _search(self, message_id: str, sequence: int | None) -> MessageStatus | None:
        if self._searches >= _MOST_SEARCHES:  # I8: one without a hint reads much of a stream
            raise unavailable("Too many look-ups at once. Ask again.")
        self._searches += 1
        try:
            return await find(self._ingress.bus, message_id, sequence)
        except CrossdockError as error:
            raise refusal_of(error) from error
        finally:
            self._searches -= 1


async def answer_json(send: Send, value: Any) -> None:  # noqa: ANN401 - whatever msgspec encodes
    """Answer 200 with a JSON document that no cache keeps."""
    body = msgspec.json.encode(value)
    headers: list[Header] = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
