"""The second half of a process: sends what steps have to send, and looks at whose time is up.

It gets hints that a step has something to send or that a time may be up, messages that waited and
come again, and what people want of instances.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from crossdock.contracts import CrossdockError, Disconnected, Message, Reject, Retry
from crossdock.mesh import records
from crossdock.mesh.bus import Bus, Incoming
from crossdock.mesh.fail_points import reach
from crossdock.mesh.telemetry import RouteMetrics
from crossdock.router.made import parts_of
from crossdock.router.processes.compiled import CompiledProcess
from crossdock.router.processes.events import HINT_TYPE, ORDER_TYPE, Hint, Order
from crossdock.router.processes.handling import Outcomes, Taking, count, entries_of
from crossdock.router.processes.instance import Command, Instance, Step
from crossdock.router.processes.storing import InstanceStore

_hints = msgspec.json.Decoder(Hint)
_orders = msgspec.json.Decoder(Order)
_LOOKS: Final = 16  # at instances at the same time
_FORGOTTEN: Final = "its instance is not remembered any more"


class StepHandler:
    """Handles the second half of a process; see :class:`crossdock.mesh.component.Handler`."""

    def __init__(
        self,
        bus: Bus,
        process: CompiledProcess,
        store: InstanceStore,
        taking: Taking,
        metrics: RouteMetrics,
    ) -> None:
        self._bus = bus
        self._process = process
        self._store = store
        self._taking = taking
        self._metrics = metrics
        self._looking = asyncio.Semaphore(_LOOKS)
        self._due = bus.subjects.group("due", process.name, "*").removesuffix("*")

    async def __call__(self, batch: Sequence[Incoming]) -> Outcomes:
        """Follow each hint, order and message; then answer for each."""
        outcomes: dict[int, CrossdockError | None] = {}
        hints: list[tuple[Incoming, Hint]] = []
        again: list[Incoming] = []
        due = [each for each in batch if each.subject.startswith(self._due)]
        looks = await asyncio.gather(*(self._look(each) for each in due))
        outcomes.update(zip((each.sequence for each in due), looks, strict=True))
        for each in batch:
            if each.sequence in outcomes:
                continue
            kind = each.headers.get("ce-type")
            try:
                if kind == HINT_TYPE:
                    hints.append((each, _hints.decode(each.data)))
                elif kind == ORDER_TYPE:
                    outcomes[each.sequence] = await self._follow(each, _orders.decode(each.data))
                else:
                    again.append(each)
            except msgspec.DecodeError:
                outcomes[each.sequence] = Reject("neither a hint nor an order of a process")
        await self._again(again, outcomes)
        await self._send(hints, outcomes)
        return [outcomes[each.sequence] for each in batch]

    async def _look(self, incoming: Incoming) -> CrossdockError | None:
        """Look whether the time of an instance is up; the hint comes again until that is done."""
        try:
            async with self._looking:
                await self._store.look(incoming.subject.removeprefix(self._due))
        except Retry as error:
            return Disconnected(error.reason)
        except (Disconnected, Reject) as error:
            return error
        self._metrics.grouped.inc()
        return None

    async def _follow(self, incoming: Incoming, order: Order) -> CrossdockError | None:
        """Do what a person wants."""
        instance = await self._store.newest(order.token)
        if instance is None:
            await self._done(incoming, "filtered", _FORGOTTEN)
            return None
        try:
            (place,) = await self._store.let([(order.token, instance.key, order)])
        except Reject as error:
            return error
        if place.error is None:
            await self._done(incoming, place.outcome, place.detail, place.steps)
        return place.error

    async def _done(
        self,
        incoming: Incoming,
        outcome: records.Outcome,
        detail: str,
        steps: tuple[str, ...] = (),
    ) -> None:
        children = tuple((records.GROUP, each) for each in steps)
        entry = records.Entry(
            incoming.message().id, incoming.sequence, outcome, detail, children, incoming.delivered
        )
        await self._record([entry])
        self._metrics.grouped.inc()

    async def _again(
        self, batch: list[Incoming], outcomes: dict[int, CrossdockError | None]
    ) -> None:
        """Let messages that waited come again."""
        if not batch:
            return
        places = await self._taking.places(batch, waited=True)
        await self._record(entries_of(batch, places))
        count(self._metrics, places)
        for incoming, place in zip(batch, places, strict=True):
            outcomes[incoming.sequence] = place.error

    async def _send(
        self, hints: list[tuple[Incoming, Hint]], outcomes: dict[int, CrossdockError | None]
    ) -> None:
        """Send what steps have to send; all that an instance has, in the order of its steps."""
        if not hints:
            return
        tokens = list(dict.fromkeys(hint.token for _, hint in hints))
        found = await asyncio.gather(*(self._store.newest(each) for each in tokens))
        instances = {token: each for token, each in zip(tokens, found, strict=True) if each}
        await self._publish(list(instances.values()))
        reach("published")
        entries = [_entry(each, hint, instances.get(hint.token)) for each, hint in hints]
        await self._record(entries)
        sent = {token: each.outbox[-1].number for token, each in instances.items() if each.outbox}
        await self._store.sent(sent)
        for (incoming, hint), entry in zip(hints, entries, strict=True):
            outcomes[incoming.sequence] = await self._stuck(incoming, hint, entry)

    async def _stuck(
        self, incoming: Incoming, hint: Hint, entry: records.Entry
    ) -> CrossdockError | None:
        """Bury a step that got stuck, so that a person sees it; one that is redriven resumes it."""
        message = incoming.message()
        if not hint.stuck:
            (self._metrics.routed if entry.children else self._metrics.grouped).inc()
            return None
        if not message.origin:
            return Reject(hint.stuck)
        order = Order(id=message.id, name="resume", token=hint.token, by="dead redrive")
        return await self._follow(incoming, order)

    async def _publish(self, instances: list[Instance]) -> None:
        groups: list[list[tuple[str, Message]]] = []
        for each in instances:
            commands = [command for waiting in each.outbox for command in waiting.commands]
            subject = self._bus.subjects.outgoing
            groups.append([(subject(each.destination), self.message(each)) for each in commands])
            for command in commands:
                self._metrics.sent.inc(command.destination)
        try:
            await asyncio.gather(*(self._bus.publish_many(part) for part in parts_of(groups)))
        except Retry as error:
            raise Disconnected(error.reason) from error

    @staticmethod
    def message(command: Command) -> Message:
        """Return a command as it is sent: with the id that it was given when it was made (I4)."""
        return Message.from_headers(command.headers, bytes(command.data))

    async def _record(self, entries: list[records.Entry]) -> None:
        if not entries:
            return
        process = self._process
        try:
            await records.write(
                self._bus, "group", process.name, entries, revision=process.revision
            )
        except Retry as error:
            raise Disconnected(error.reason) from error


def _entry(incoming: Incoming, hint: Hint, instance: Instance | None) -> records.Entry:
    step = None if instance is None or instance.id != hint.instance else _step(instance, hint)
    own = incoming.message().id
    if step is None:
        return records.Entry(own, incoming.sequence, "filtered", _FORGOTTEN)
    detail = f"{step.before or 'begins'} -> {step.after}, instance {hint.token}"
    children = tuple((destination, each) for destination, each, _ in step.sent)
    return records.Entry(own, incoming.sequence, "routed", detail, children, incoming.delivered)


def _step(instance: Instance, hint: Hint) -> Step | None:
    return next((each for each in instance.story if each.number == hint.number), None)
