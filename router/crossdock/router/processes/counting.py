"""Counts the instances of a process from what is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import msgspec

from crossdock.mesh.bus import Bus
from crossdock.mesh.groups.room import STREAM
from crossdock.router.processes.instance import Instance, read_instance


class Census(msgspec.Struct, frozen=True, kw_only=True):
    """The instances that there are.

    Attributes:
        total: How many.
        running: How many have begun and not ended.
        states: How many by state; ``stuck`` and ``waiting`` for those that are.
        revisions: Of the process, that instances which have not ended keep.
    """

    total: int
    running: int
    states: dict[str, int]
    revisions: tuple[str, ...]


async def instances(bus: Bus, process: str) -> AsyncIterator[tuple[str, Instance]]:
    """Yield token and instance of all instances of a process, each once.

    Raises:
        Disconnected: The broker does not answer.
    """
    subject = bus.subjects.group("instance", process, "*")
    seen: set[str] = set()
    async for stored in bus.read(STREAM, subject=subject):
        token = stored.subject.rpartition(".")[2]
        if token not in seen:  # one that changes meanwhile comes again, further on in the stream
            seen.add(token)
            yield token, read_instance(stored.data)


async def take_census(bus: Bus, process: str) -> Census:
    """Count the instances of a process.

    Raises:
        Disconnected: The broker does not answer.
    """
    states: Counter[str] = Counter()
    revisions: dict[str, None] = {}
    total = running = 0
    async for _, each in instances(bus, process):
        total += 1
        states[state_of(each)] += 1
        if each.revision and each.phase != "ended":
            running += 1
            revisions[each.revision] = None
    return Census(total=total, running=running, states=dict(states), revisions=tuple(revisions))


def state_of(instance: Instance) -> str:
    """Return what an instance is counted as."""
    if instance.stuck:
        return "stuck"
    return instance.state if instance.id else "waiting"
