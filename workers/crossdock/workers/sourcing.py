"""Runs one source: receive, map, validate, publish; acknowledge only then (I1)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from crossdock.contracts import (
    Contract,
    CrossdockError,
    Disconnected,
    Halt,
    Message,
    Problem,
    Reject,
    Retry,
    keyed_id,
    new_id,
)
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus
from crossdock.mesh.component import State
from crossdock.mesh.control import Name, Permit
from crossdock.mesh.control.permit import free
from crossdock.mesh.delays import delay_before
from crossdock.mesh.expression import UNDEFINED
from crossdock.mesh.telemetry import SourceMetrics, Tracing, sending
from crossdock.workers.adapter import Received, Source
from crossdock.workers.loading import LoadedWorker

_log = logging.getLogger("crossdock.source")
_NO_IDENTITY = "the worker's id expression gives no text or number"


class SourceRunner:
    """Runs one source until it is stopped; reconnects for ever."""

    def __init__(
        self,
        bus: Bus,
        worker: LoadedWorker,
        source: Source,
        tracing: Tracing,
        metrics: SourceMetrics,
        permit: Permit | None = None,
    ) -> None:
        if worker.contract is None:
            raise Halt(f"worker {worker.file.worker} names no contract to publish")
        self._bus = bus
        self._worker = worker
        self._name = worker.file.worker
        self._contract: Contract = worker.contract
        self._source = source
        self._map = worker.map
        self._identity = worker.identity
        self._tracing = tracing
        self._metrics = metrics
        self._subject = bus.subjects.incoming(self._contract.name)
        self._step = sending(self._subject)
        self._stop = asyncio.Event()
        self._in_hand = 0
        self.permit = permit or free(Name("source", self._name))
        self.state: State = "starting"
        self.reason = ""

    def stop(self) -> None:
        """Finish what was received, then return from :meth:`run`."""
        self._stop.set()
        self.permit.wake()

    def in_hand(self) -> int:
        """Return how many things it has received and not yet acknowledged."""
        return self._in_hand

    async def run(self) -> None:
        """Receive until :meth:`stop`."""
        failures = 0
        while not self._stop.is_set():
            if not self._wanted:  # its system keeps what comes meanwhile
                self.state, self.reason = "running", ""
                await self.permit.changed()
                continue
            try:
                await self._source.open()
                self.state, self.reason = "running", ""
                failures = 0
                await self._receive()
            except Halt as error:
                self._halt(error)
            except CrossdockError as error:
                failures += 1
                await self._wait(error, failures)
            finally:
                self._in_hand = 0
                with contextlib.suppress(CrossdockError):
                    await self._source.close()
        if self.state != "halted":
            self.state = "stopped"

    @property
    def _wanted(self) -> bool:
        """Whether it is to receive."""
        return not self._stop.is_set() and self.permit.state == "running"

    async def _unwanted(self) -> None:
        while self._wanted:
            await self.permit.changed()

    def _halt(self, error: Halt) -> None:
        self.state, self.reason = "halted", error.reason
        _log.error("halted", extra={"worker": self._name, "why": error.reason})
        self._stop.set()

    async def _wait(self, error: CrossdockError, failures: int) -> None:
        """Wait before another attempt; a source that is away never stops being tried."""
        self.state, self.reason = "paused", error.reason
        _log.warning("source is away", extra={"worker": self._name, "why": error.reason})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay_before(failures, self._worker.policy)):
                await self._stop.wait()

    async def _receive(self) -> None:
        while self._wanted:
            received = await self._next()
            self._in_hand = len(received)
            if received:
                self._metrics.received.inc(len(received))
                await self._accept(received)
                await self._source.acknowledge(received)  # I1: all of them are safe now
                self._in_hand = 0

    async def _next(self) -> Sequence[Received]:
        """Return what comes in; nothing when it is time to stop or pause."""
        receiving = asyncio.create_task(_await(self._source.receive()))
        stopping = asyncio.create_task(self._unwanted())
        try:
            await asyncio.wait((receiving, stopping), return_when=asyncio.FIRST_COMPLETED)
            if receiving.done():
                return receiving.result()
            return ()
        finally:
            for task in (receiving, stopping):
                task.cancel()
            await asyncio.gather(receiving, stopping, return_exceptions=True)

    async def _accept(self, received: Sequence[Received]) -> None:
        """Make each a stored message or a dead letter; waits for the broker as long as it takes."""
        messages: list[tuple[Received, Message]] = []
        refused: list[tuple[Received, Reject]] = []
        for each in received:
            try:
                messages.append((each, self._message(each)))
            except Reject as error:
                refused.append((each, error))
            except Retry as error:  # the machine was too busy to run an expression in its time
                raise Disconnected(error.reason) from error
        await self._publish(messages, refused)
        await asyncio.gather(*(self._refuse(each, error) for each, error in refused))
        self._metrics.published.inc(len(received) - len(refused))
        self._metrics.refused.inc(len(refused))

    async def _publish(
        self, messages: list[tuple[Received, Message]], refused: list[tuple[Received, Reject]]
    ) -> None:
        try:
            items = [(self._subject, each) for _, each in messages]
            await self._bus.publish_many(items, in_order=True)  # I7: a route may ask for order
        except Retry as error:  # full: the source waits (I8)
            raise Disconnected(error.reason) from error
        except Reject as error:
            if len(messages) == 1:
                refused.append((messages[0][0], error))
                return
            for each in messages:
                await self._publish([each], refused)

    def _message(self, received: Received) -> Message:
        """Make the canonical message.

        Raises:
            Reject: With every problem, when it is not what the contract wants (I5).
        """
        if received.error is not None:
            raise Reject(received.error, (Problem(message=received.error, place=received.place),))
        value = received.value
        if self._map is not None:
            value = self._map.evaluate(value)
            if value is UNDEFINED:
                raise Reject("the worker's map makes nothing of it")
        problems = self._contract.problems(value)
        if problems:
            raise refusal(self._contract.name, problems, received.place)
        message_id = self._id(received)
        traceparent, _ = self._tracing.accept(None)
        hop = self._tracing.hop(self._step, traceparent, message_id=message_id)
        hop.end()
        return Message(
            id=message_id,
            source=f"/{self._bus.subjects.mesh}/{self._name}",
            type=self._contract.name,
            data=msgspec.json.encode(value),
            dataschema=self._contract.dataschema,
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            extensions={"correlationid": message_id, "traceparent": hop.traceparent},
        )

    def _id(self, received: Received) -> str:
        if self._identity is None:
            return received.id or new_id()
        found: Any = self._identity.evaluate(received.value)
        if isinstance(found, bool) or not isinstance(found, str | int | float):
            raise Reject(_NO_IDENTITY, (Problem(message=_NO_IDENTITY, place=received.place),))
        return keyed_id(self._name, str(found))

    async def _refuse(self, received: Received, error: Reject) -> None:
        """Keep what was refused where it can be seen and repaired (I3)."""
        key = received.id or new_id()
        cause = dead_letters.Cause(
            kind="source",
            where=self._name,
            reason=error.reason,
            problems=error.problems,
            place=received.place,
            contract=self._worker.file.publishes or "",
        )
        try:
            await dead_letters.put(
                self._bus,
                cause,
                key=f"{self._name} {key}",
                subject="",
                headers={},
                data=received.raw,
            )
        except Retry as full:
            raise Disconnected(full.reason) from full


def refusal(contract: str, problems: list[Problem], place: str) -> Reject:
    """Return why something is no message of a contract.

    The reason does not hold the place: the same fault in a thousand lines is one reason, by which
    dead letters are grouped and chosen.
    """
    reason = Reject.of(f"not a valid {contract}", problems).reason
    return Reject(reason, tuple(msgspec.structs.replace(each, place=place) for each in problems))


async def _await(receiving: Any) -> Sequence[Received]:  # noqa: ANN401 - any awaitable
    result: Sequence[Received] = await receiving
    return result
