"""Keeps the groups of one route in JetStream, for all its replicas.

A key's state is the one message on ``<mesh>.group.open.<route>.<token>``, changed by compare and
set: whoever lost reads again and folds again. When a group becomes complete, the same atomic batch
empties the state and puts the group on ``<mesh>.group.ready.<route>.<id>``: so it becomes complete
once, whatever ends when. Its timer is a message that the broker schedules; what comes when it is
due is only a hint to look, so one too many does no harm.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Sequence

import msgspec

from crossdock.contracts import Disconnected, Retry, keyed_id, new_id
from crossdock.contracts.marking import is_test
from crossdock.mesh.bus import Bus, Swap
from crossdock.mesh.expression import Json
from crossdock.mesh.fail_points import reach
from crossdock.mesh.groups.folding import Arrival, Closed, Folded, Place, Rule
from crossdock.mesh.groups.remembering import Memory
from crossdock.mesh.groups.room import STREAM, Room
from crossdock.mesh.groups.sequencing import join, time_up
from crossdock.mesh.groups.state import Group, read_group
from crossdock.mesh.groups.writing import Writes
from crossdock.mesh.telemetry import GroupMetrics

_MAX_WRITES = 1000  # the server's bound for a batch
_AT_ONCE = 500  # members; each may complete a group, which is a write
_MAX_BYTES = 8 * 1024 * 1024
_PATIENCE = 10.0  # seconds for which we try against others
_HEADROOM = 192 * 1024  # of a message: headers, and what a key remembers
_SKEW = 50  # milliseconds, at least, before a timer that came early comes again


class GroupStore:
    """The groups of one route."""

    def __init__(
        self, bus: Bus, route: str, rule: Rule, metrics: GroupMetrics, *, bound: int
    ) -> None:
        """Prepare; nothing is read.

        Args:
            bus: Connection.
            route: Name of the route.
            rule: When a group is complete.
            metrics: What is counted.
            bound: Bytes that the stream may hold before nobody joins any more (I8).
        """
        most = min(rule.max_bytes, bus.max_payload - _HEADROOM)
        self._bus = bus
        self._route = route
        self._rule = msgspec.structs.replace(rule, max_bytes=most)
        self._metrics = metrics
        self._room = Room(bus, bound)
        self._writes = Writes(bus.subjects, route)
        self._memory = Memory()
        self._turn = asyncio.Lock()  # lanes of one process need not race

    def token(self, key: Json, *, test: bool = False) -> str:
        """Return what stands for a key in subjects; test messages never mix with real ones."""
        kind = "sequence" if self._rule.counts else "group"
        if test:
            kind = f"test-{kind}"
        return keyed_id(kind, self._route, msgspec.json.encode(key).decode())

    async def join(self, arrivals: Sequence[Arrival]) -> list[Place]:
        """Let members join their groups; what is returned is durable.

        Raises:
            Disconnected: The broker is away or has no room; who has joined will be known again.
            Retry: Others were faster, again and again.
        """
        places: dict[int, Place] = {}
        async with self._turn:
            await self._room.look()
            for start in range(0, len(arrivals), _AT_ONCE):
                work: dict[str, list[int]] = {}
                for at, each in enumerate(arrivals[start : start + _AT_ONCE], start):
                    token = self.token(each.key, test=is_test(each.message))
                    work.setdefault(token, []).append(at)
                await self._join(work, arrivals, places)
        reach("grouped")
        return [places[at] for at in range(len(arrivals))]

    async def expire(self, token: str) -> bool:
        """Close the open group of a key if its time is up; else see that a timer is set.

        Returns:
            Whether a group became complete.

        Raises:
            Disconnected: The broker is away.
            Retry: Others were faster, again and again.
        """
        until = time.monotonic() + _PATIENCE
        while True:
            stored = await self._bus.read_newest(STREAM, self._writes.open(token))
            if stored is None:
                return False
            group = read_group(stored.data)
            now = _now()
            folded = time_up(self._rule, group, now=now, mint=new_id)
            if folded is None:
                await self._rearm(token, group, now)
                return False
            self._memory.forget([token])
            items = self._writes.of(token, folded, stored.sequence, self._rule)
            if await self._swap(items) is not None:
                self._count(0, folded.closed)
                return True
            await _wait(until)

    async def _rearm(self, token: str, group: Group, now: int) -> None:
        deadline = self._rule.deadline(group)
        if group.id and deadline:
            await self._swap([self._writes.timer(token, max(deadline, now + _SKEW))])

    async def _join(
        self, work: dict[str, list[int]], arrivals: Sequence[Arrival], places: dict[int, Place]
    ) -> None:
        """Join one batch of keys; halves of it when it is too large, or others were faster."""
        until = time.monotonic() + _PATIENCE
        while not await self._try(work, arrivals, places):
            self._memory.forget(work)
            if len(work) > 1:
                tokens = list(work)
                middle = len(tokens) // 2
                for half in (tokens[:middle], tokens[middle:]):
                    await self._join({token: work[token] for token in half}, arrivals, places)
                return
            await _wait(until)

    async def _try(
        self, work: dict[str, list[int]], arrivals: Sequence[Arrival], places: dict[int, Place]
    ) -> bool:
        states = await self._states(work)
        now = _now()
        items: list[Swap] = []
        changed: list[tuple[str, Folded, int]] = []
        for token, members in work.items():
            mine = [arrivals[at] for at in members]
            sequence, group = states.get(token) or (0, Group(key=mine[0].key))
            folded = join(self._rule, group, mine, now=now, mint=new_id)
            places.update(zip(members, folded.places, strict=True))
            if folded.changed:
                changed.append((token, folded, len(items)))
                items += self._writes.of(token, folded, sequence, self._rule)
        if len(work) > 1 and _is_large(items):
            return False
        first = await self._swap(items) if items else 0
        if first is None:
            return False
        for token, folded, at in changed:
            self._memory.keep(token, first + at, self._writes.stored(folded.group, self._rule))
            self._count(folded.opened, folded.closed)
        return True

    async def _swap(self, items: list[Swap]) -> int | None:
        try:
            return await self._bus.swap(STREAM, items)
        except Retry as error:  # no room: no fault of these messages
            raise Disconnected(error.reason) from error

    async def _states(self, tokens: Iterable[str]) -> dict[str, tuple[int, Group]]:
        """Return the states that are there; what we remember may be old, the write tells."""
        states: dict[str, tuple[int, Group]] = {}
        unknown = []
        for token in tokens:
            known = self._memory.get(token)
            if known is None:
                unknown.append(token)
            else:
                states[token] = known
        subjects = {self._writes.open(token): token for token in unknown}
        found = await self._bus.read_each(STREAM, list(subjects))
        for subject, stored in found.items():
            states[subjects[subject]] = (stored.sequence, read_group(stored.data))
        return states

    def _count(self, opened: int, closed: Sequence[Closed]) -> None:
        self._metrics.opened.inc(opened)
        for each in closed:
            self._metrics.completed.inc(each.content.reason)
            self._metrics.members.observe(len(each.content.members))


def _now() -> int:
    return time.time_ns() // 1_000_000


def _is_large(items: list[Swap]) -> bool:
    return len(items) > _MAX_WRITES or sum(len(each.data) for each in items) > _MAX_BYTES


async def _wait(until: float) -> None:
    """Let the others go on for a moment.

    Raises:
        Retry: It has been long enough.
    """
    if time.monotonic() > until:
        raise Retry("other replicas changed its group at the same time, again and again")
    await asyncio.sleep(random.uniform(0.001, 0.02))  # noqa: S311 - jitter, no secret
