"""What waits for its time (Delayer) is in flight, and must be there: a part of the ledger (I9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from crossdock.mesh import records
from crossdock.mesh.bus import Bus
from crossdock.mesh.groups.room import STREAM

_SECOND_HALF: Final = "group-"


class RouteWaits(msgspec.Struct):
    """What the records say of the messages of one route that waited.

    Attributes:
        held: By sequence of the message: ids of its parts that wait, or have waited.
        went_on: What became of an id when its time had come.
    """

    held: dict[int, set[str]] = {}
    went_on: dict[str, str] = {}

    def note(self, entry: records.Entry) -> None:
        """Note what waits of a message."""
        self.held[entry.sequence] = {
            child for destination, child in entry.children if destination == records.GROUP
        }

    def outcome(self, sequence: int) -> str:
        """Return what has become of a message; ``delayed`` while a part of it waits."""
        found = [self.went_on.get(each, "delayed") for each in self.held.get(sequence, ())]
        ranked = ("delayed", "dead", "routed", "filtered")
        return next((each for each in ranked if each in found), "filtered")

    def waiting(self) -> set[str]:
        """Return the ids that wait."""
        return {each for ids in self.held.values() for each in ids} - self.went_on.keys()


async def lost(bus: Bus, waits: Mapping[str, RouteWaits], read_to: int) -> dict[str, int]:
    """Return by route how many messages should wait and are nowhere.

    What waited when the records had been read, and is not settled in those that came since, waited
    when the broker was asked.

    Args:
        bus: Connection.
        waits: By route.
        read_to: Sequence up to which the records were read.

    Raises:
        Disconnected: The broker does not answer.
    """
    waiting = {route: found for route, each in waits.items() if (found := each.waiting())}
    if not waiting:
        return {}
    kept = {route: await _kept(bus, route) for route in waiting}
    async for stored in bus.read("record", sequence=read_to + 1):
        record = records.read(stored.data)
        if record.kind == "group" and record.where in waiting:
            waiting[record.where] -= {each.id for each in record.entries}
    return {route: max(0, len(found) - kept[route]) for route, found in waiting.items()}


async def _kept(bus: Bus, route: str) -> int:
    """Return how many messages of a route wait, or are due and not settled: at least so many."""
    # In this order: what goes on between the two is counted twice, not left out.
    later = await bus.count(STREAM, bus.subjects.group("later", route, "*"))
    for each in await bus.consumers(STREAM):
        if each.name == f"{_SECOND_HALF}{route}":
            return later + each.lag
    return later + await bus.count(STREAM, bus.subjects.group("ready", route, "*"))
