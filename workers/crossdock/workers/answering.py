"""The answers of a destination's system become messages (Request-Reply, Service Activator).

The system has done what it was asked before anything can be wrong with its answer. So an answer
that breaks its contract is a dead letter at once, and the system is not asked again by itself. One
that cannot be stored for now is kept in this process until the message comes again: then it is
stored, and the system is not asked again either. Only where the process ends in between is the
system asked once more, with the same id as idempotency key.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from crossdock.contracts import (
    Contract,
    CrossdockError,
    Disconnected,
    Message,
    Reject,
    child_id,
)
from crossdock.contracts.message import JSON
from crossdock.mesh.bus import Bus
from crossdock.mesh.exact_numbers import inexact_number
from crossdock.mesh.expression import UNDEFINED, Expression, Json
from crossdock.workers.adapter import Answer
from crossdock.workers.loading import LoadedReply, LoadedWorker

_ANY: Final = Contract("worker.answer.any", "1.0.0", {})  # reads JSON within its bounds
_MOST_KEPT: Final = 256  # answers that wait for the stream (I8); each is bounded by `reply.max`
_NOTHING: Final = b"null"
_REQUEST: Final = "request"


class Answering:
    """Makes messages of the answers to one destination's messages, and stores them."""

    def __init__(self, bus: Bus, worker: LoadedWorker, reply: LoadedReply) -> None:
        self._bus = bus
        self._destination = worker.file.destination
        self._source = f"/{bus.subjects.mesh}/{worker.file.worker}"
        self._reply = reply
        self._subject = bus.subjects.incoming(reply.contract.name)
        self._kept: dict[str, Message] = {}

    def kept(self, delivery_id: str) -> Message | None:
        """Return what was made of the answer to a message before, and could not be stored."""
        return self._kept.get(delivery_id)

    def made(self, request: Message, answer: Answer | None, traceparent: str) -> Message:
        """Return the message that an answer becomes.

        Args:
            request: The message that was delivered.
            answer: What the system answered; None when it gave no answer.
            traceparent: Of the delivery, ``""`` when there is none.

        Raises:
            Reject: It is no answer as its contract wants it (I5).
            Retry: The machine was too busy to run the mapping in its time.
        """
        if answer is None:
            raise Reject("its system gave no answer")
        contract = self._reply.contract
        source, own = request.identity
        extensions = request.extensions | {
            "correlationid": request.correlation,
            "causationid": request.id,
        }
        if traceparent:
            extensions["traceparent"] = traceparent
        return Message(
            # As an id of the destination: no route makes the same of the same (I4).
            id=child_id(source, own, f"/{self._destination}", "reply"),
            source=self._source,
            type=contract.name,
            data=self._data(request, answer),
            dataschema=contract.dataschema,
            datacontenttype=JSON,
            time=f"{datetime.now(UTC).isoformat(timespec='milliseconds')[:-6]}Z",
            subject=request.subject,
            extensions=extensions,
        )

    async def store(self, made: Mapping[str, Message]) -> dict[str, CrossdockError]:
        """Store answers, before their messages are acknowledged (I1, I2).

        Args:
            made: By the id of the delivery.

        Returns:
            Why not, for each that is not stored. One that could not be stored for now is kept for
            when its message comes again.
        """
        if not made:
            return {}
        self._keep(made)
        try:
            await self._bus.publish_many([(self._subject, each) for each in made.values()])
        except Reject as error:
            if len(made) == 1:
                self._forget(made)
                return dict.fromkeys(made, error)
            failed: dict[str, CrossdockError] = {}
            for delivery_id, each in made.items():
                failed |= await self.store({delivery_id: each})
            return failed
        except CrossdockError as error:
            # Also when the stream is full: waiting is no fault of these messages (I8).
            return dict.fromkeys(made, Disconnected(error.reason))
        self._forget(made)
        return {}

    def _keep(self, made: Mapping[str, Message]) -> None:
        self._kept |= made
        while len(self._kept) > _MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))

    def _forget(self, made: Mapping[str, Message]) -> None:
        for delivery_id in made:
            self._kept.pop(delivery_id, None)

    def _data(self, request: Message, answer: Answer) -> bytes:
        contract = self._reply.contract
        data = answer.data or _NOTHING
        value, problems = _ANY.decode(data)
        if problems:
            raise Reject.of("its answer is not JSON that is accepted", problems)
        if self._reply.map is not None:
            value = self._mapped(self._reply.map, request, data, value)
            data = msgspec.json.encode(value)
        problems = contract.problems(value)
        if problems:
            raise Reject.of(f"its answer is not a valid {contract.name}", problems)
        return data

    @staticmethod
    def _mapped(mapping: Expression, request: Message, data: bytes, value: Json) -> Json:
        asked: Json = msgspec.json.decode(request.data)
        inexact = inexact_number(data, value)
        if inexact is None and _REQUEST in mapping.text:
            inexact = inexact_number(request.data, asked)
        if inexact is not None:  # an expression would round it without a word (I5)
            raise Reject.of("its answer cannot be mapped", [inexact])
        made = mapping.evaluate(value, {_REQUEST: asked})
        if made is UNDEFINED:
            raise Reject("reply.map makes nothing of its answer")
        return made
