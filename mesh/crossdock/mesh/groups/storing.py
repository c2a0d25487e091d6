"""Keeps the groups of one route in JetStream, for all its replicas.

A key's state is the one message on ``<mesh>.group.open.<route>.<token>``; see :class:`KeyedStore`.
When a group becomes complete, the batch that empties the state puts the group on
``<mesh>.group.ready.<route>.<id>``: so it becomes complete once, whatever ends when. Its timer is a
message that the broker schedules; what comes when it is due is only a hint to look, so one too many
does no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from crossdock.contracts import keyed_id, new_id
from crossdock.contracts.marking import is_test
from crossdock.mesh.bus import Bus, Swap
from crossdock.mesh.expression import Json
from crossdock.mesh.fail_points import reach
from crossdock.mesh.groups.folding import Arrival, Folded, Place, Rule
from crossdock.mesh.groups.keyed import HEADROOM, KeyedStore
from crossdock.mesh.groups.room import STREAM
from crossdock.mesh.groups.sequencing import join, time_up
from crossdock.mesh.groups.state import Group, read_group
from crossdock.mesh.groups.writing import Writes
from crossdock.mesh.telemetry import GroupMetrics

__all__ = ["STREAM", "GroupStore"]
SKEW: Final = 50
"""Milliseconds, at least, before a timer that came early comes again."""


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
        most = min(rule.max_bytes, bus.max_payload - HEADROOM)
        self._route = route
        self._rule = msgspec.structs.replace(rule, max_bytes=most)
        self._writes = Writes(bus.subjects, route)
        keeper = _GroupKeeper(self._rule, self._writes, metrics)
        self._states: KeyedStore[Group, Arrival, Folded] = KeyedStore(bus, keeper, bound=bound)

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
        joining = [(self.token(each.key, test=is_test(each.message)), each) for each in arrivals]
        places = await self._states.join(joining)
        reach("grouped")
        return places

    async def expire(self, token: str) -> bool:
        """Close the open group of a key if its time is up; else see that a timer is set.

        Returns:
            Whether a group became complete.

        Raises:
            Disconnected: The broker is away.
            Retry: Others were faster, again and again.
        """
        again: list[Swap] = []

        def decide(group: Group, now: int) -> Folded | None:
            folded = time_up(self._rule, group, now=now, mint=new_id)
            deadline = self._rule.deadline(group)
            again.clear()
            if folded is None and group.id and deadline:
                again.append(self._writes.timer(token, max(deadline, now + SKEW)))
            return folded

        closed = await self._states.change(token, decide)
        if closed is None and again:
            await self._states.write(again)
        return closed is not None


class _GroupKeeper:
    """Groups as a :class:`KeyedStore` keeps them."""

    looks_twice = False  # only who is in a group already changes nothing

    def __init__(self, rule: Rule, writes: Writes, metrics: GroupMetrics) -> None:
        self._rule = rule
        self._writes = writes
        self._metrics = metrics

    def subject(self, token: str) -> str:
        return self._writes.open(token)

    def read(self, data: bytes) -> Group:
        return read_group(data)

    def fold(self, state: Group | None, arrivals: Sequence[Arrival], now: int) -> Folded:
        group = Group(key=arrivals[0].key) if state is None else state
        return join(self._rule, group, arrivals, now=now, mint=new_id)

    def writes(self, token: str, folded: Folded, sequence: int) -> list[Swap]:
        return self._writes.of(token, folded, sequence, self._rule)

    def stored(self, folded: Folded) -> Group:
        return self._writes.stored(folded.group, self._rule)

    def size(self, state: Group) -> int:
        return sum(len(bytes(each.data)) for each in state.members)

    def count(self, folded: Folded) -> None:
        self._metrics.opened.inc(folded.opened)
        for each in folded.closed:
            self._metrics.completed.inc(each.content.reason)
            self._metrics.members.observe(len(each.content.members))
