"""Runs one sink: decode, map, deliver, write the record; then the loop acks."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from crossdock.contracts import (
    CrossdockError,
    Disconnected,
    Halt,
    Message,
    Reject,
    Retry,
    near_id,
)
from crossdock.contracts.expiry import is_expired
from crossdock.contracts.marking import is_test
from crossdock.mesh import records
from crossdock.mesh.bus import Bus, Incoming
from crossdock.mesh.expression import UNDEFINED
from crossdock.mesh.fail_points import reach
from crossdock.mesh.ordering import stop_at_first
from crossdock.mesh.parting import parts_of
from crossdock.mesh.telemetry import DestinationMetrics, Hop, Tracing, processing
from crossdock.workers.adapter import Delivered, Delivery, Sink
from crossdock.workers.answering import Answering
from crossdock.workers.loading import LoadedWorker

EXPIRED: Final = "expired"
TESTED: Final = "a test message: it could have been delivered"


class SinkHandler:
    """Handles the messages of one destination; see :class:`crossdock.mesh.component.Handler`."""

    def __init__(
        self,
        bus: Bus,
        worker: LoadedWorker,
        sink: Sink,
        tracing: Tracing,
        metrics: DestinationMetrics,
    ) -> None:
        self._bus = bus
        self._destination = worker.file.destination
        self._sink = sink
        self._map = worker.map
        self._answering = None if worker.reply is None else Answering(bus, worker, worker.reply)
        self._delivers_tests = worker.file.test_messages == "deliver"
        self._buries_expired = worker.file.expired == "dead"
        self._tracing = tracing
        self._metrics = metrics
        self._in_order = worker.in_order
        self._open = False
        self._step = processing(bus.subjects.outgoing(self._destination), worker.file.worker)

    async def __call__(self, batch: Sequence[Incoming]) -> Sequence[CrossdockError | None]:
        """Deliver all that can be delivered, then answer for each."""
        parts = parts_of(batch)
        if len(parts) == 1 and not parts[0].size:
            return await self._handle(batch)
        outcomes: list[CrossdockError | None] = []
        for part in parts:  # data that had to be fetched leaves the memory before the next (I8)
            async with self._bus.claim_checks.room.take(part.size):
                outcomes += await self._part(part.batch)
        return outcomes

    async def _part(self, batch: Sequence[Incoming]) -> Sequence[CrossdockError | None]:
        return await (self._handle(batch) if self._in_order else self._alone(batch))

    async def _alone(self, batch: Sequence[Incoming]) -> Sequence[CrossdockError | None]:
        """Handle a part of a batch: what it raises does not speak for the other parts."""
        try:
            return await self._handle(batch)
        except (Disconnected, Halt) as error:
            return [error] * len(batch)
        except CrossdockError as error:
            if len(batch) == 1:
                return [error]
            return [found for each in batch for found in await self._alone([each])]

    async def _handle(self, batch: Sequence[Incoming]) -> Sequence[CrossdockError | None]:
        start = time.perf_counter()
        outcomes: list[CrossdockError | None] = [None] * len(batch)
        deliveries: dict[int, Delivery] = {}
        requests: dict[int, Message] = {}
        hops: dict[int, Hop] = {}
        left: dict[int, records.Entry] = {}
        now = datetime.now(UTC)
        for index, incoming in enumerate(batch):
            try:
                message = incoming.message()
                hop = self._hop(message)
                hops[index] = hop
                if self._is_over(message, now):
                    left[index] = _entry(incoming, "filtered", EXPIRED)
                    continue
                if message.dataref:
                    message = await self._bus.claim_checks.fetch(message)
                delivery = self._delivery(message, incoming, hop)
                if is_test(message) and not self._delivers_tests:
                    left[index] = _entry(incoming, "tested", TESTED)
                    continue
                deliveries[index], requests[index] = delivery, message
            except ValueError as error:
                outcomes[index] = Reject(str(error))
            except (Reject, Retry) as error:
                outcomes[index] = error
        answers = await self._carry_out(requests, deliveries, hops, outcomes)
        for index, hop in hops.items():
            hop.end(outcomes[index])
        reach("delivered")
        await self._record(batch, outcomes, left, answers)
        self._metrics.seconds.observe(time.perf_counter() - start)
        return outcomes

    async def close(self) -> None:
        """Release the sink. Safe twice."""
        self._open = False
        with contextlib.suppress(CrossdockError):
            await self._sink.close()

    def _is_over(self, message: Message, now: datetime) -> bool:
        """Tell whether a message is to be left out because its time is over."""
        if not is_expired(message, now):
            return False
        if self._buries_expired:
            raise Reject(EXPIRED)
        return True

    def _hop(self, message: Message) -> Hop:
        extensions = message.extensions
        return self._tracing.hop(
            self._step,
            extensions.get("traceparent"),
            extensions.get("tracestate", ""),
            message.id,
        )

    def _delivery(self, message: Message, incoming: Incoming, hop: Hop) -> Delivery:
        try:
            value = msgspec.json.decode(message.data)
        except (msgspec.DecodeError, RecursionError) as error:
            raise Reject("the data is not JSON") from error
        if self._map is not None:
            value = self._map.evaluate(value)
            if value is UNDEFINED:
                raise Reject("the worker's map makes nothing of this message")
        source, own = message.identity  # the inbox knows what is sent again
        return Delivery(
            id=near_id(own, source, own),
            value=value,
            type=message.type,
            attributes=_attributes(message, hop),
            attempt=incoming.delivered,
        )

    async def _carry_out(
        self,
        requests: dict[int, Message],
        deliveries: dict[int, Delivery],
        hops: dict[int, Hop],
        outcomes: list[CrossdockError | None],
    ) -> dict[int, Message]:
        """Deliver, and store what is answered; note what came of each.

        Returns:
            What the answers have become.
        """
        answering = self._answering
        if answering is None:
            await self._carry_out_alone(deliveries, outcomes)
            return {}
        kept = {index: answering.kept(each.id) for index, each in deliveries.items()}
        answers = {index: each for index, each in kept.items() if each is not None}
        asked = {index: each for index, each in deliveries.items() if index not in answers}
        for index, result in (await self._deliver(asked)).items():
            if isinstance(result, CrossdockError):
                outcomes[index] = result
                continue
            try:
                traceparent = hops[index].traceparent
                answers[index] = answering.made(requests[index], result, traceparent)
            except CrossdockError as error:
                outcomes[index] = error
        reach("answered")
        failed = await answering.store(
            {deliveries[index].id: each for index, each in answers.items()}
        )
        for index in answers:
            outcomes[index] = failed.get(deliveries[index].id)
        return answers

    async def _carry_out_alone(
        self, deliveries: dict[int, Delivery], outcomes: list[CrossdockError | None]
    ) -> None:
        """Deliver to a sink whose answers nobody wants."""
        if self._in_order:
            stop_at_first(outcomes)
        for index, result in (await self._deliver(deliveries)).items():
            outcomes[index] = result if isinstance(result, CrossdockError) else None
        if self._in_order:
            stop_at_first(outcomes)

    async def _deliver(self, deliveries: dict[int, Delivery]) -> dict[int, Delivered]:
        if not deliveries:
            return {}
        try:
            if not self._open:
                await self._sink.open()
                self._open = True
            results = await self._sink.deliver(list(deliveries.values()))
        except Disconnected:
            await self.close()
            raise
        if any(isinstance(each, Disconnected) for each in results):
            await self.close()
        return dict(zip(deliveries, results, strict=True))

    async def _record(
        self,
        batch: Sequence[Incoming],
        outcomes: list[CrossdockError | None],
        left: dict[int, records.Entry],
        answers: dict[int, Message],
    ) -> None:
        entries = [
            left.get(index) or _entry(incoming, "delivered", answer=answers.get(index))
            for index, (incoming, outcome) in enumerate(zip(batch, outcomes, strict=True))
            if outcome is None
        ]
        if not entries:
            return
        try:
            await records.write(self._bus, "destination", self._destination, entries)
        except Retry as error:
            raise Disconnected("the record could not be stored") from error
        counts = Counter(each.outcome for each in entries)
        self._metrics.delivered.inc(counts["delivered"])
        self._metrics.expired.inc(counts["filtered"])
        self._metrics.tested.inc(counts["tested"])


def _entry(
    incoming: Incoming,
    outcome: records.Outcome,
    detail: str = "",
    answer: Message | None = None,
) -> records.Entry:
    return records.Entry(
        incoming.message().id,
        incoming.sequence,
        outcome,
        detail,
        () if answer is None else ((records.came_in(answer.type), answer.id),),
        incoming.delivered,
    )


def _attributes(message: Message, hop: Hop) -> dict[str, str]:
    attributes = {
        "id": message.id,
        "source": message.source,
        "type": message.type,
        "dataschema": message.dataschema,
        "time": message.time,
        **message.extensions,
    }
    if hop.traceparent:
        attributes["traceparent"] = hop.traceparent
    return {name: value for name, value in attributes.items() if value}
