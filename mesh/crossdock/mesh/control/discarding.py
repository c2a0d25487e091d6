"""Channel Purger: drops what waits for a component, with a record of each message (I9).

Every message gets an entry as if its component had filtered it, with who did it and why, and an
audit entry, before it is acknowledged. So it is told what became of it, and the ledger balances.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from typing import Final

import msgspec

from crossdock.mesh import records
from crossdock.mesh.bus import Bus, Incoming
from crossdock.mesh.bus.emptying import purge_subject, remove_consumer, take_waiting
from crossdock.mesh.control.acts import Name
from crossdock.mesh.control.store import ControlStore
from crossdock.mesh.finding import DESTINATION_PREFIX, ROUTE_PREFIX

_GROUP: Final = "group"
_GROUPS: Final = ("open", "ready", "instance")
_ALL: Final = (*_GROUPS, "timer", "due")
_GROUP_PREFIX: Final = "group-"


class Dropping(msgspec.Struct, frozen=True):
    """Who drops messages, and why."""

    by: str
    reason: str


async def discard_waiting(bus: Bus, name: Name, who: Dropping, tell: Callable[[int], None]) -> int:
    """Drop what waits for a route or destination that takes nothing now; return how much it was.

    Interrupted, it has dropped a part, and may be done again.

    Args:
        bus: Connection.
        name: The component.
        who: Who drops it, and why.
        tell: Told of each portion that is dropped.

    Raises:
        CrossdockError: The broker does not answer, or records cannot be stored.
    """
    stream, consumer = _consumer(bus, name)
    count = 0
    async with aclosing(take_waiting(bus.client, stream, consumer)) as waiting:
        async for batch in waiting:
            await _record(bus, name, who, batch)
            for each in batch:
                await each.ack()
            count += len(batch)
            tell(len(batch))
    await bus.client.flush()
    return count


async def kept_for(bus: Bus, route: str) -> int:
    """Return how many groups and instances of processes are kept for a route.

    Raises:
        Disconnected: The broker does not answer.
    """
    subjects = [bus.subjects.group(what, route, "*") for what in _GROUPS]
    return sum([await bus.count(_GROUP, each) for each in subjects])


async def remove_component(bus: Bus, name: Name, floor: int) -> None:
    """Remove what the broker keeps for a component: consumers, groups, and what was decided on it.

    Messages of a destination that has no consumer would hold up the janitor, so they go, too, as
    far as it had settled them.

    Args:
        bus: Connection.
        name: The component.
        floor: Sequence up to which it has settled everything.

    Raises:
        Disconnected: The broker does not answer; it may be done again.
    """
    stream, consumer = _consumer(bus, name)
    await remove_consumer(bus.client, stream, consumer)
    if name.kind == "route":
        groups = bus.subjects.stream(_GROUP)
        await remove_consumer(bus.client, groups, _GROUP_PREFIX + name.name)
        for what in _ALL:
            subject = bus.subjects.group(what, name.name, "*")
            await purge_subject(bus.client, groups, subject)
    else:
        await purge_subject(bus.client, stream, bus.subjects.outgoing(name.name), floor + 1)
    await ControlStore(bus).forget(name)


async def _record(bus: Bus, name: Name, who: Dropping, batch: list[Incoming]) -> None:
    said = f"discarded by {who.by}" + (f": {who.reason}" if who.reason else "")
    ids = [_id_of(each) for each in batch]
    entries = [
        records.Entry(own, each.sequence, "filtered", said, attempts=each.delivered)
        for own, each in zip(ids, batch, strict=True)
    ]
    kind: records.Kind = "route" if name.kind == "route" else "destination"
    await records.write(bus, kind, name.name, entries)
    audited = [
        records.Entry(own, each.sequence, "discarded", str(name))
        for own, each in zip(ids, batch, strict=True)
    ]
    await records.audit(bus, "discard", audited, by=who.by, reason=who.reason)


def _consumer(bus: Bus, name: Name) -> tuple[str, str]:
    if name.kind == "route":
        return bus.subjects.stream("in"), ROUTE_PREFIX + name.name
    return bus.subjects.stream("out"), DESTINATION_PREFIX + name.name


def _id_of(incoming: Incoming) -> str:
    try:
        return incoming.message().id
    except ValueError:
        return ""
