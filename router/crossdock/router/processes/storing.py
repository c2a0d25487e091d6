"""Keeps the instances of one process in JetStream, for all its replicas.

An instance is the one message on ``<mesh>.group.instance.<process>.<token>``; see
:class:`KeyedStore`. The batch that changes it writes with it, on
``<mesh>.group.ready.<process>.<id>``, a hint for each step that has something to send. The commands
themselves are in the instance until they are stored where they go: whoever follows a hint sends all
that is there, in the order of the steps; so no command overtakes one that was sent before it, and
what is sent twice has the same id (I4).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from crossdock.contracts import Message, Subjects
from crossdock.mesh.bus import Bus, Swap
from crossdock.mesh.expression import Json
from crossdock.mesh.fail_points import reach
from crossdock.mesh.groups.keyed import KeyedStore
from crossdock.mesh.groups.state import Member, enclosed
from crossdock.mesh.groups.storing import SKEW
from crossdock.mesh.groups.writing import Writes
from crossdock.mesh.telemetry.process_metrics import ProcessMetrics
from crossdock.router.processes.compiled import CompiledProcess
from crossdock.router.processes.events import HINT_TYPE, Event, Hint, Place, Sent, token_of
from crossdock.router.processes.folding import Folded, fold, time_up
from crossdock.router.processes.instance import Instance, Kept, read_instance
from crossdock.router.processes.versions import Versions

INSTANCE = "instance"
"""What an instance is called in subjects."""


class InstanceStore:
    """The instances of one process."""

    def __init__(
        self,
        bus: Bus,
        process: CompiledProcess,
        versions: Versions,
        metrics: ProcessMetrics,
        *,
        bound: int,
    ) -> None:
        """Prepare; nothing is read.

        Args:
            bus: Connection.
            process: The process.
            versions: The revisions that instances keep.
            metrics: What is counted.
            bound: Bytes that the stream may hold before nothing is taken any more (I8).
        """
        self._process = process
        self._versions = versions
        self._writes = InstanceWrites(bus.subjects, process)
        self._keeper = keeper = _Keeper(self._writes, versions, metrics)
        self._states: KeyedStore[Instance, tuple[Json, Event], Folded] = KeyedStore(
            bus, keeper, bound=bound
        )

    def crowd(self, *, crowded: bool) -> None:
        """Say whether there are as many instances as there may be: then no other begins (I8)."""
        self._keeper.crowded = crowded

    def token(self, key: Json) -> str:
        """Return what stands for a key in subjects."""
        return token_of(self._process.name, key)

    async def let(self, events: Sequence[tuple[str, Json, Event]]) -> list[Place]:
        """Let events come to their instances; what is returned is durable.

        Args:
            events: Token, key and event.

        Raises:
            Disconnected: The broker is away or has no room; who has come will be known again.
            Retry: Others were faster, again and again.
        """
        wanted = [(token, (key, event)) for token, key, event in events]
        places: list[Place] = await self._versions.with_all(lambda: self._states.join(wanted))
        reach("grouped")
        return places

    async def look(self, token: str) -> None:
        """Do what is to be done if the time of an instance is up; else see that a timer is set.

        Raises:
            Disconnected: The broker is away.
            Retry: Others were faster, again and again.
        """
        again: list[Swap] = []

        def decide(instance: Instance, now: int) -> Folded | None:
            again.clear()
            folded = time_up(self._versions.get, instance, now)
            due = deadline(instance)
            if folded is None and due:
                again.append(self._writes.timer(token, max(due, now + SKEW)))
            return folded

        done = await self._versions.with_all(lambda: self._states.change(token, decide))
        if done is None and again:
            await self._states.write(again)

    async def newest(self, token: str) -> Instance | None:
        """Return an instance as it surely is; None when there is none.

        Raises:
            Disconnected: The broker does not answer.
        """
        found = await self._states.newest(token)
        return None if found is None else found[1]

    async def sent(self, numbers: dict[str, int]) -> None:
        """Forget commands that are stored where they go.

        Args:
            numbers: By token the number of the step up to which they are.

        Raises:
            Disconnected: The broker is away.
            Retry: Others were faster, again and again.
        """
        if numbers:
            await self.let([(token, None, Sent(number)) for token, number in numbers.items()])


class _Keeper:
    """Instances as a :class:`KeyedStore` keeps them."""

    looks_twice = True  # nobody is turned away because of a state that is over

    def __init__(self, writes: InstanceWrites, versions: Versions, metrics: ProcessMetrics) -> None:
        self._writes = writes
        self._versions = versions
        self._metrics = metrics
        self.crowded = False

    def subject(self, token: str) -> str:
        return self._writes.instance(token)

    def read(self, data: bytes) -> Instance:
        return read_instance(data)

    def fold(
        self, state: Instance | None, arrivals: Sequence[tuple[Json, Event]], now: int
    ) -> Folded:
        instance = Instance(key=arrivals[0][0]) if state is None else state
        events = [each for _, each in arrivals]
        return fold(self._versions.get, instance, events, now, crowded=self.crowded)

    def writes(self, token: str, folded: Folded, sequence: int) -> list[Swap]:
        return self._writes.of(token, folded, sequence)

    def stored(self, folded: Folded) -> Instance:
        return timed(folded.instance)

    def size(self, state: Instance) -> int:
        return len(msgspec.json.encode(state))

    def count(self, folded: Folded) -> None:
        for each in folded.steps:
            self._metrics.steps.inc(each.cause)
        before, now = folded.before, folded.instance
        self._metrics.began.inc(int(bool(now.id and not before.id)))
        self._metrics.stuck.inc(int(bool(now.stuck and not before.stuck)))
        if now.phase == "ended" and before.phase != "ended":
            self._metrics.ended.inc(now.state)
        taken_back = sum(1 for each in before.owed if not each.sent)
        if now.phase == "compensating" or before.phase == "compensating":
            left = sum(1 for each in now.owed if not each.sent)
            self._metrics.compensations.inc(max(0, taken_back - left))


class InstanceWrites:
    """Makes the messages of one process' instances."""

    def __init__(self, subjects: Subjects, process: CompiledProcess) -> None:
        self._subjects = subjects
        self._process = process
        self._timers = Writes(subjects, process.name)

    def instance(self, token: str) -> str:
        """Return where an instance is."""
        return self._subjects.group(INSTANCE, self._process.name, token)

    def of(self, token: str, folded: Folded, sequence: int) -> list[Swap]:
        """Return what is to be written together; the instance comes first.

        Args:
            token: Of the key.
            folded: What became of the instance.
            sequence: That the instance had; 0 when it had none.
        """
        instance = timed(folded.instance)
        headers: dict[str, str] = {}
        if instance.is_over:
            seconds = self._process.limits.remember if instance.id else 1.0
            headers["Nats-TTL"] = f"{max(1, round(seconds))}s"
        items: list[Swap] = []
        if instance.timer and instance.timer != folded.before.timer:
            items.append(self.timer(token, instance.timer))  # in the place of the one there was
        elif folded.before.timer and not instance.timer:
            headers["Nats-Scheduler"] = self._subjects.group("timer", self._process.name, token)
            headers["Nats-Schedule-Next"] = "purge"
        state = Swap(self.instance(token), msgspec.json.encode(instance), headers, sequence)
        items += [self._hint(own, hint) for own, hint in folded.hints]
        items += [self._released(token, each) for each in folded.released]
        return [state, *items]

    def timer(self, token: str, at: int) -> Swap:
        """Return the timer of an instance, in the place of the one it may have."""
        return self._timers.timer(token, at)

    def _hint(self, own: str, hint: Hint) -> Swap:
        message = Message(
            id=own,
            source=self._process.source,
            type=HINT_TYPE,
            data=msgspec.json.encode(hint),
        )
        subject = self._subjects.group("ready", self._process.name, own)
        return Swap(subject, message.data, message.headers())

    def _released(self, token: str, kept: Kept) -> Swap:
        """Return a message that comes again; as it was, so that it can be a dead letter (I3)."""
        message = enclosed(Member(kept.mark, kept.id, None, kept.message))
        own = token_of(self._process.name, [token, kept.mark.hex()])
        subject = self._subjects.group("ready", self._process.name, own)
        return Swap(subject, message.data, message.headers())


def deadline(instance: Instance) -> int:
    """Return when the time of an instance is up, Unix time in milliseconds; 0 for never."""
    return 0 if instance.stuck else instance.deadline


def timed(instance: Instance) -> Instance:
    """Return an instance as it is stored: with the timer that it has then."""
    due = deadline(instance)
    return instance if instance.timer == due else msgspec.structs.replace(instance, timer=due)
