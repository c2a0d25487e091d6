"""``POST /v1/events``: CloudEvents, one or a batch. A batch is taken whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from crossdock.contracts import Message
from crossdock.gateway.asgi import Header
from crossdock.gateway.cloudevents import read_events
from crossdock.gateway.doors import Door
from crossdock.gateway.ingress import Ingress, Request, location
from crossdock.gateway.judging import Judged, judge
from crossdock.gateway.problems import Refused
from crossdock.gateway.request_head import refuse_compressed
from crossdock.mesh.bus import Published
from crossdock.mesh.telemetry.steps import serving

PATH: Final = "/v1/events"
_SERVING: Final = serving("POST", PATH)


class PostEvents:
    """Takes CloudEvents in any of the three modes of the HTTP binding."""

    def __init__(self, ingress: Ingress) -> None:
        self._ingress = ingress

    async def __call__(self, request: Request) -> None:
        """Answer 202 after the PubAck of every event (I1).

        Args:
            request: Of a known client.

        Raises:
            Refused: With every problem of every event.
            Gone: The caller hung up before its body was complete.
        """
        refuse_compressed(request.headers)
        place = self._ingress.let_in(request.headers)
        try:
            await self._take(request, await self._ingress.body_of(request, place))
        finally:
            place.leave()

    async def _take(self, request: Request, body: bytes) -> None:
        events = read_events(request.headers, body, self._ingress.settings.max_batch)
        tracing = self._ingress.tracing
        with tracing.hop(_SERVING, *request.trace) as served:
            trace = (served.traceparent, request.trace[1])
            judged = [judge(event, request.client, self._ingress.doors, trace) for event in events]
            items = _all_or_nothing(judged)
            published = await self._publish(items)
            served.responded(202)
        alone = len(events) == 1 and not events[0].pointer
        await _answer(request, items, published, alone=alone)

    async def _publish(self, items: Sequence[tuple[Door, Message]]) -> list[Published]:
        more = max(0, len(items) - 1)  # the first was let in with the request
        self._ingress.admission.enter(more, 0)
        try:
            return await self._ingress.publish_many(items)
        finally:
            self._ingress.admission.leave(more, 0)


def _all_or_nothing(judged: Sequence[Judged]) -> list[tuple[Door, Message]]:
    """Return what to publish.

    Raises:
        Refused: When anything is wrong with any of them.
    """
    wrong = [each for each in judged if each.problems]
    if not wrong:
        return [
            (each.door, each.message)
            for each in judged
            if each.door is not None and each.message is not None
        ]
    kinds = {each.kind for each in wrong}
    kind = "forbidden" if "forbidden" in kinds else "invalid-data"
    if len(judged) == 1:
        kind = wrong[0].kind
    errors = [problem for each in wrong for problem in each.problems]
    refused = Refused(kind, f"{len(wrong)} of {len(judged)} events are refused.", errors=errors)
    if len(judged) == 1 and judged[0].door is not None:
        refused.contract = judged[0].door.contract.name
    raise refused


async def _answer(
    request: Request,
    items: Sequence[tuple[Door, Message]],
    published: Sequence[Published],
    *,
    alone: bool,
) -> None:
    told = [
        {"id": message.id, "contract": message.type, "version": door.contract.version}
        for door, message in items
    ]
    headers: list[Header] = [(b"content-type", b"application/json")]
    if alone:
        where = location(items[0][1].id, published[0].sequence)
        headers.append((b"location", where.encode()))
        body = msgspec.json.encode(told[0])
    else:
        for each, stored in zip(told, published, strict=True):
            each["location"] = location(each["id"], stored.sequence)
        body = msgspec.json.encode(told)
    headers.append((b"content-length", b"%d" % len(body)))
    headers += next((door.headers for door, _ in items if door.headers), ())
    await request.send({"type": "http.response.start", "status": 202, "headers": headers})
    await request.send({"type": "http.response.body", "body": body})
