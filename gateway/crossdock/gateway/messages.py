"""``POST /v1/messages/{contract}``: the hot path, so it speaks ASGI without anything between.

``Idempotency-Key`` makes a repeat the same message. The first one wins: while the stream remembers
its id a repeat is not stored again, and when it has forgotten, the inbox of each sink still knows
it; so a second body under the same key has no effect, and is answered like the first.
"""

from __future__ import annotations

from typing import Final

from crossdock.contracts import Message, keyed_id, new_id
from crossdock.gateway.doors import Door
from crossdock.gateway.ingress import Ingress, Request, location, now
from crossdock.gateway.marks import mark_of
from crossdock.gateway.problems import Refused
from crossdock.gateway.request_head import idempotency_key, json_type, refuse_compressed
from crossdock.mesh.telemetry.steps import Step, serving

_SERVING: Final = serving("POST", "/v1/messages/{contract}")


class PostMessage:
    """Takes one message as plain JSON."""

    def __init__(self, ingress: Ingress) -> None:
        self._ingress = ingress
        self._source = f"/{ingress.doors.subjects.mesh}/gateway/"

    async def __call__(self, request: Request, reference: str) -> None:
        """Answer 202 after the PubAck (I1).

        Args:
            request: Of a known client.
            reference: Contract in the path: ``name`` or ``name@range``.

        Raises:
            Refused: With the contract that was refused, when it exists.
            Gone: The caller hung up before its body was complete.
        """
        ingress = self._ingress
        door = ingress.doors.open(reference, request.client)
        try:
            refuse_compressed(request.headers)
            json_type(request.headers)
            key = idempotency_key(request.headers)
            place = ingress.let_in(request.headers)
            try:
                data = await ingress.body_of(request, place)
                await self.take(request, door, data, key, _SERVING)
            finally:
                place.leave()
        except Refused as refused:
            refused.contract = door.contract.name
            raise

    async def take(
        self, request: Request, door: Door, data: bytes, key: str | None, step: Step
    ) -> None:
        """Publish data as one message, and answer.

        Args:
            request: Of a known client that may use the door.
            door: Of the contract.
            data: As it is to be published.
            key: What makes a repeat by the same client the same message, if anything does.
            step: How the request is traced.

        Raises:
            Refused: The data does not fit its contract, or the mesh cannot take it.
        """
        contract, client = door.contract, request.client.name
        mark = mark_of(request.headers, request.client)
        problems = contract.decode(data)[1]
        if problems:  # I5
            raise Refused(
                "invalid-data",
                f"The data does not fit {contract.name} {contract.version}.",
                errors=problems,
            )
        identity = new_id() if key is None else keyed_id(client, contract.name, key)
        tracing, (traceparent, tracestate) = self._ingress.tracing, request.trace
        with (
            tracing.hop(step, traceparent, tracestate, identity) as served,
            tracing.hop(door.step, served.traceparent, tracestate, identity) as sent,
        ):
            extensions = {
                "correlationid": identity,
                "authid": client,
                "traceparent": sent.traceparent,
                **mark,
            }
            if tracestate:
                extensions["tracestate"] = tracestate
            message = Message(
                id=identity,
                source=self._source + client,
                type=contract.name,
                data=data,
                dataschema=contract.dataschema,
                time=now(),
                extensions=extensions,
            )
            published = await self._ingress.publish(door, message)
            served.responded(202)
        await _answer(request, door, identity, published.sequence)


async def _answer(request: Request, door: Door, identity: str, sequence: int) -> None:
    contract = door.contract
    # Ids of our own, names and versions need no escaping in JSON.
    body = (
        f'{{"id":"{identity}","contract":"{contract.name}","version":"{contract.version}"}}'
    ).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"location", location(identity, sequence).encode()),
        *door.headers,
    ]
    await request.send({"type": "http.response.start", "status": 202, "headers": headers})
    await request.send({"type": "http.response.body", "body": body})
