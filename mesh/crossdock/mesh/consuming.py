"""The consuming loop that routes and destinations share: try, then settle each message once.

A message leaves in one of three ways (I2): acknowledged after its effects are durable, nak'ed with
a delay, or dead letter first and then terminated. What to do with it follows from the error that
the handler gave for it; see :mod:`crossdock.contracts.errors`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections import deque
from collections.abc import Coroutine, Sequence

from nats.errors import Error as NatsError

from crossdock.contracts import CrossdockError, Disconnected, Halt, Reject, Retry
from crossdock.mesh.admitting import Admission
from crossdock.mesh.attempts import Attempts
from crossdock.mesh.breaking import Breaker
from crossdock.mesh.burying import bury
from crossdock.mesh.bus import Bus, ConsumerSpec, Incoming, Puller
from crossdock.mesh.component import Component, Handler, Observer, Outcome, State
from crossdock.mesh.control import Name, Permit
from crossdock.mesh.control.permit import free
from crossdock.mesh.delays import delay_before
from crossdock.mesh.fail_points import reach

_log = logging.getLogger("crossdock.consuming")

_REMEMBERED = 100_000
_MOMENT = 0.1
_IDLE = 30.0
_DRAIN = 12.0


class Consuming:
    """Consumes for one component until it is stopped."""

    def __init__(
        self,
        bus: Bus,
        component: Component,
        spec: ConsumerSpec,
        handler: Handler,
        observe: Observer = lambda _outcome, _count: None,
        permit: Permit | None = None,
    ) -> None:
        self._bus = bus
        self._component = component
        self._policy = component.policy
        self._handler = handler
        self._observe = observe
        self._stop = asyncio.Event()
        self._puller = self._make_puller(spec)
        self._permit = permit or free(Name("route", component.name))
        self._admission = Admission(bus, component, self._puller, self._permit, self._stop)
        self._attempts = Attempts(bus, spec.durable)
        self._pulling = asyncio.Lock()
        self._held: set[Incoming] = set()
        self._suspects: deque[Incoming] = deque()  # bounded by max_ack_pending (I8)
        self._known: dict[int, int] = {}
        self._breaker = Breaker(component.policy, self._stop)
        self._dead = 0
        self._drained = False
        self._deadline = math.inf
        self._batch = component.batch
        self.state: State = "starting"
        self.reason = ""

    @property
    def durable(self) -> str:
        """Name of its durable consumer."""
        return self._puller.spec.durable

    async def run(self) -> None:
        """Consume until :meth:`stop`; then what is being worked on is finished."""
        await self._start()
        self._bus.signs_of_life.join(self)
        try:
            async with asyncio.TaskGroup() as lanes:
                lanes.create_task(self._drain_when_stopped())
                lanes.create_task(self._admission.heed())
                for number, work in enumerate(self._tasks()):
                    lanes.create_task(work, name=f"{self._component.name} {number}")
        finally:
            self._bus.signs_of_life.leave(self)
            if self.state != "halted":  # a halted component touches no message
                await self._puller.stop()
                self.state = "stopped"

    async def ensure(self) -> None:
        """Make its durable consumer, if it is not there yet.

        Raises:
            Disconnected: The broker does not answer or refuses.
        """
        try:
            await self._puller.ensure()
        except NatsError as error:
            raise Disconnected(f"consumer {self.durable}: {error}") from error

    def held(self) -> int:
        """Return how many messages are being worked on."""
        return len(self._held)

    def in_hand(self) -> int:
        """Return how many messages it has from the broker, begun or not."""
        return len(self._held) + len(self._puller.held())

    @property
    def permit(self) -> Permit:
        """What operators allow it."""
        return self._permit

    def stop(self) -> None:
        """Finish what is being worked on, then return from :meth:`run`."""
        self._stop.set()
        self._permit.wake()

    def _make_puller(self, spec: ConsumerSpec) -> Puller:
        return self._bus.puller(spec, prefetch=self._component.batch)

    def _tasks(self) -> list[Coroutine[None, None, None]]:
        return [self._lane() for _ in range(self._component.lanes)]

    async def _start(self) -> None:
        while not self._stop.is_set():
            try:
                await self._puller.start()
            except NatsError as error:
                _log.warning(
                    "consumer not ready",
                    extra={"component": self._component.name, "why": str(error)},
                )
                await self._pause(1.0)
            else:
                self.state = "running"
                return

    async def _drain_when_stopped(self) -> None:
        await self._stop.wait()
        self._deadline = asyncio.get_running_loop().time() + _DRAIN
        await self._puller.drain()
        self._drained = True

    @property
    def _leaving(self) -> bool:
        """Whether nothing more may be begun: halted, or out of time or paused while stopping."""
        if self._stop.is_set() and self._admission.paused:
            return True
        return self.state == "halted" or asyncio.get_running_loop().time() > self._deadline

    async def _next(self) -> list[Incoming]:
        """Return what may begin now; nothing after a moment without any."""
        async with self._pulling:
            await self._admission.allowed()
            await self._resumed()
            most = self._breaker.most(min(self._batch, self._admission.most))
            batch = await self._puller.next(most, 0.0 if self._suspects else _IDLE)
            if batch:
                self._observe("taken", len(batch))
                self._held.update(batch)
                await self._admission.pace(len(batch))
                await self._admission.allowed()
            elif not self._suspects:
                await self._admission.idle()
            if self._leaving:
                self._suspects.extend(batch)
                return []
            return batch

    async def _lane(self) -> None:
        while not self._leaving:
            waiting = self._suspects and not self._admission.paused
            if waiting and self._pulling.locked():  # the other lane may wait there for long
                await self._try_suspects()
                continue
            batch = await self._next()
            if batch:
                await self._work(batch)
            elif self._drained and not self._suspects:
                return
            await self._try_suspects()
        await self._leave_suspects()

    async def _work(self, batch: list[Incoming]) -> None:
        expected = [each for each in batch if each.delivered == 1 or each.sequence in self._known]
        suspects = set(batch).difference(expected)
        self._held.update(batch)
        reach("received")
        self._suspects.extend(each for each in batch if each in suspects)
        try:
            if expected:
                await self._try(expected)
        finally:
            self._held.difference_update(expected)

    async def _try_suspects(self) -> None:
        """Try what came again unasked, for a moment: after a crash it is many, one at a time.

        What is new does not wait behind them.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + _MOMENT
        while self._suspects and not (self._leaving or self._admission.paused) and clock() < until:
            each = self._suspects.popleft()
            try:
                await self._try_suspect(each)
            finally:
                self._held.discard(each)

    async def _leave_suspects(self) -> None:
        while self._suspects:
            each = self._suspects.popleft()
            if self.state != "halted":
                await self._settle(each, Disconnected("stopping"), 1)
            else:
                self._observe("retried", 1)
            self._held.discard(each)

    async def _try_suspect(self, incoming: Incoming) -> None:
        """Try a message that came again unasked: it may have ended the process that tried it."""
        try:
            begun = await self._attempts.count(incoming.sequence)
            if begun >= self._policy.attempts:
                error = Reject(f"tried {begun} times, and each time its process ended or froze")
                await self._settle(incoming, error, begun)
                return
            await self._attempts.note(incoming.sequence, begun + 1)
            self._known[incoming.sequence] = begun
            await self._try([incoming])
            if incoming.settled:
                await self._attempts.note(incoming.sequence, self._known.get(incoming.sequence, 0))
        except Disconnected as error:
            await self._settle(incoming, error, 0)

    async def _try(self, batch: list[Incoming]) -> None:
        await self._resumed()
        most = self._breaker.most(len(batch))
        if most < len(batch):  # taken before it opened: one of them finds out
            await self._try(batch[:most])
            await self._try(batch[most:])
            return
        if not await self._may_try(batch):
            return
        outcomes = await self._call(batch)
        if outcomes is None:
            for each in batch:
                await self._admission.allowed()
                if self._leaving:
                    self._observe("retried", 1)
                else:
                    await self._try([each])
            return
        for incoming, outcome in zip(batch, outcomes, strict=True):
            await self._settle(incoming, outcome, self._known.get(incoming.sequence, 0) + 1)
        self._tell_breaker(outcomes)

    async def _may_try(self, batch: list[Incoming]) -> bool:
        """Wait for the breaker; tell whether messages may still be tried after that."""
        await self._breaker.allowed()
        if self._leaving:
            self._breaker.gave_up()
            self._observe("retried", len(batch))
            return False
        return True

    async def _call(self, batch: list[Incoming]) -> Sequence[Outcome] | None:
        """Call the handler; no outcomes mean that each message has to be tried on its own."""
        error: CrossdockError
        try:
            async with asyncio.timeout(self._policy.timeout):
                outcomes = await self._handler(batch)
        except TimeoutError:
            self._batch = max(1, self._batch // 2)
            error = Retry(f"not done within {self._policy.timeout:g} s")
        except (Disconnected, Halt) as raised:
            return [raised] * len(batch)
        except CrossdockError as raised:
            error = raised
        except Exception as raised:  # noqa: BLE001 - an adapter's bug is one message's failure
            _log.error(
                "unexpected error",
                extra={"component": self._component.name, "why": type(raised).__name__},
            )
            error = Retry(f"unexpected {type(raised).__name__}")
        else:
            self._batch = min(self._component.batch, self._batch + self._batch // 8 + 1)
            reach("recorded")
            return outcomes
        return None if len(batch) > 1 else [error]

    async def _settle(self, incoming: Incoming, outcome: Outcome, attempts: int) -> None:
        try:
            await self._act(incoming, outcome, attempts)
        except NatsError as error:  # the broker is away: the message comes again
            _log.info("not settled", extra={"why": type(error).__name__})
        except CrossdockError as error:
            self._observe("retried", 1)
            _log.warning(
                "dead letter not stored; the message comes again",
                extra={"component": self._component.name, "why": error.reason},
            )

    async def _act(self, incoming: Incoming, outcome: Outcome, attempts: int) -> None:
        match outcome:
            case None:
                self._known.pop(incoming.sequence, None)
                await incoming.ack()
            case Disconnected():  # never counts as an attempt
                self._observe("retried", 1)
                self._remember(incoming, attempts - 1)
                await self._nak(incoming, delay_before(1, self._policy))
            case Retry() if attempts < self._policy.attempts:
                self._observe("retried", 1)
                self._remember(incoming, attempts)
                delay = delay_before(attempts, self._policy)
                await self._nak(incoming, delay if outcome.after is None else outcome.after)
            case Halt():
                self._observe("retried", 1)
                self._halt(outcome.reason)
            case _:
                await self._bury(incoming, outcome, attempts)

    async def _nak(self, incoming: Incoming, delay: float) -> None:
        with contextlib.suppress(NatsError):  # without an answer it comes again, too
            await incoming.nak(delay)

    async def _bury(self, incoming: Incoming, error: CrossdockError, attempts: int) -> None:
        await bury(self._bus, self._component, self.durable, incoming, error, attempts)
        self._known.pop(incoming.sequence, None)
        self._observe("dead", 1)
        self._dead += 1
        with contextlib.suppress(NatsError):  # it comes again then, as the same dead letter
            await incoming.term()
        if self._dead >= self._policy.dead_letter_limit:
            self._halt(f"{self._dead} dead letters in one run: the limit of its policy")

    def _remember(self, incoming: Incoming, attempts: int) -> None:
        """Keep the count of a message that we nak: when it comes again, we know why."""
        if len(self._known) >= _REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[incoming.sequence] = attempts

    def _halt(self, reason: str) -> None:
        if self.state != "halted":
            self.state = "halted"
            self.reason = reason
            _log.error("halted", extra={"component": self._component.name, "why": reason})
        self.stop()

    def _tell_breaker(self, outcomes: Sequence[Outcome]) -> None:
        """Pause consumption when all fails for now, instead of burning attempts."""
        away = any(isinstance(each, Disconnected) for each in outcomes)
        if not away and not all(isinstance(each, Retry) for each in outcomes):
            self._breaker.succeeded()
        elif self._breaker.failed(away=away) and not self._stop.is_set():
            reason = next(each.reason for each in outcomes if each is not None)
            self.state, self.reason = "paused", reason
            _log.warning("paused", extra={"component": self._component.name, "why": reason})

    async def _resumed(self) -> None:
        """Wait while the breaker is open."""
        await self._breaker.not_open()
        if self.state == "paused" and not self._stop.is_set():
            self.state, self.reason = "running", ""

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()

    async def visit(self) -> None:
        """Keep what is held from being delivered again while we are alive."""
        with contextlib.suppress(NatsError):
            for incoming in [*self._held, *self._puller.held()]:
                await incoming.in_progress()
