"""``POST /v1/messages/{contract}``: the hot path, so it speaks ASGI without anything between.

``Idempotency-Key`` makes a repeat the same message. The first one wins: while the stream remembers
its id a repeat is not stored again, and when it has forgotten, the inbox of each sink still knows
it; so a second body under the same key has no effect, and is answered like the first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from crossdock.contracts import Message, keyed_id, new_id
from crossdock.contracts.replying import REPLY_TO, return_address
from crossdock.gateway.doors import Door
from crossdock.gateway.ingress import Ingress, Request, location, now
from crossdock.gateway.marks import mark_of
from crossdock.gateway.problems import Refused
from crossdock.gateway.replying import Replies, Taken, Wanted
from crossdock.gateway.request_head import idempotency_key, json_type, refuse_compressed
from crossdock.mesh.telemetry.steps import Step, serving

_SERVING: Final = serving("POST", "/v1/messages/{contract}")


Read = Callable[[bytes, str | None], tuple[bytes, str | None]]
"""Makes of a body, and the caller's key, the data to publish and what makes a repeat the same."""


def _as_it_is(body: bytes, key: str | None) -> tuple[bytes, str | None]:
    return body, key


class PostMessage:
    """Takes one message as plain JSON."""

    def __init__(self, ingress: Ingress, replies: Replies) -> None:
        self._ingress = ingress
        self._replies = replies
        self._source = f"/{ingress.doors.subjects.mesh}/gateway/"

    async def __call__(self, request: Request, reference: str) -> None:
        """Answer 202 after the PubAck (I1), or 200 with the reply where the caller waits for it.

        Args:
            request: Of a known client.
            reference: Contract in the path: ``name`` or ``name@range``.

        Raises:
            Refused: With the contract that was refused, when it exists.
            Gone: The caller hung up before its body was complete, or while it waited.
        """
        door = self._ingress.doors.open(reference, request.client)
        wanted = self._replies.wanted(request.headers) if b"prefer" in request.headers else None
        await self.serve(request, door, _as_it_is, _SERVING, wanted)

    async def serve(
        self, request: Request, door: Door, read: Read, step: Step, wanted: Wanted | None
    ) -> None:
        """Take a request whose body becomes one message.

        Args:
            request: Of a known client that may use the door.
            door: Of the contract.
            read: Makes the data of the body.
            step: How the request is traced.
            wanted: What it wants of its reply; None for none.

        Raises:
            Refused: With the contract that was refused.
            Gone: The caller hung up.
        """
        try:
            refuse_compressed(request.headers)
            json_type(request.headers)
            with self._replies.place(wanted):
                taken = await self._read(request, door, read, step, wanted)
                if wanted is None:
                    await _answer(request, taken)
                else:
                    await self._replies.answer(request, taken, wanted)
        except Refused as refused:
            refused.contract = door.contract.name
            raise

    async def _read(
        self, request: Request, door: Door, read: Read, step: Step, wanted: Wanted | None
    ) -> Taken:
        ingress = self._ingress
        key = idempotency_key(request.headers)
        place = ingress.let_in(request.headers)
        try:
            data, key = read(await ingress.body_of(request, place), key)
            return await self._take(request, door, data, key, step, wanted)
        finally:
            place.leave()

    async def _take(
        self,
        request: Request,
        door: Door,
        data: bytes,
        key: str | None,
        step: Step,
        wanted: Wanted | None,
    ) -> Taken:
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
        source = self._source + client
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
            if wanted is not None:
                extensions[REPLY_TO] = return_address(source, identity)
            message = Message(
                id=identity,
                source=source,
                type=contract.name,
                data=data,
                dataschema=contract.dataschema,
                time=now(),
                extensions=extensions,
            )
            published = await self._ingress.publish(door, message)
            served.responded(202)
        return Taken(door, identity, source, published.sequence)


async def _answer(request: Request, taken: Taken) -> None:
    door, identity = taken.door, taken.id
    contract = door.contract
    # Ids of our own, names and versions need no escaping in JSON.
    body = (
        f'{{"id":"{identity}","contract":"{contract.name}","version":"{contract.version}"}}'
    ).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"location", location(identity, taken.sequence).encode()),
        *door.headers,
    ]
    await request.send({"type": "http.response.start", "status": 202, "headers": headers})
    await request.send({"type": "http.response.body", "body": body})
