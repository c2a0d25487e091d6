"""Lets go, or ends, what waits for its time; with a record of who did it."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from crossdock.mesh import records
from crossdock.mesh.bus import Bus
from crossdock.mesh.later import Waiting, release, waiting
from crossdock.router.delaying import discarding


async def first_of(bus: Bus, route: str | None, limit: int) -> tuple[list[Waiting], int]:
    """Return what goes on first, in that order, and how many more wait.

    Raises:
        Disconnected: The broker does not answer.
    """
    kept: list[tuple[tuple[int, ...], int, Waiting]] = []  # the latest of them is on top
    count = 0
    async for each in waiting(bus, route):
        count += 1
        item = (tuple(-ord(c) for c in each.until), -count, each)
        (heapq.heappush if len(kept) < limit else heapq.heappushpop)(kept, item)
    found = sorted((each for _, _, each in kept), key=lambda each: each.until)
    return found, count - len(found)


async def let_go(bus: Bus, ids: Sequence[str], *, by: str, reason: str, discard: bool) -> list[str]:
    """Let messages go on now; return those of the ids that do not wait.

    The audit record comes first. What is ended goes on to its route, too, which records that it
    ends there: so it is settled once, whatever is interrupted when.

    Args:
        bus: Connection.
        ids: Of messages that came in, or of what waits of them.
        by: Who does it.
        reason: Why, in their words.
        discard: They end instead of being sent.

    Raises:
        CrossdockError: The broker does not answer, or does not store.
    """
    wanted = set(ids)
    found: dict[str, list[Waiting]] = {}
    async for each in waiting(bus):
        for name in {each.id, each.message} & wanted:
            found.setdefault(name, []).append(each)
    chosen = {each.id: each for waits in found.values() for each in waits}
    if chosen:
        entries = [
            records.Entry(each.message, 0, "discarded" if discard else "released", each.until)
            for each in chosen.values()
        ]
        command: records.Command = "discard" if discard else "release"
        await records.audit(bus, command, entries, by=by, reason=reason)
    why = f"discarded by {by}" + (f": {reason}" if reason else "")
    gone = set()
    for each in chosen.values():
        change = (lambda data: discarding(data, why)) if discard else None
        if not await release(bus, each, change):
            gone.add(each.id)
    return [each for each in ids if {one.id for one in found.get(each, ())} <= gone]
