"""Closes the open group of a key because a person wants it."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from crossdock.contracts import Disconnected, Retry, new_id
from crossdock.mesh.bus import Bus
from crossdock.mesh.groups.folding import Folded, Rule, close_now
from crossdock.mesh.groups.room import STREAM
from crossdock.mesh.groups.sequencing import skip_now
from crossdock.mesh.groups.state import Group, read_group
from crossdock.mesh.groups.writing import Writes

_TRIES: Final = 100
_PAUSE: Final = 0.05


async def close_by_hand(
    bus: Bus, route: str, rule: Rule, token: str, *, discarded: str = ""
) -> Group | None:
    """Close an open group: it goes on as it is, or ends; where messages wait for a number, skip it.

    It is the same conditional write as when a group becomes complete by itself: it happens once,
    and never beside that.

    Args:
        bus: Connection.
        route: Name of the route.
        rule: When its groups are complete.
        token: Of the key.
        discarded: Why it ends instead of being sent; ``""`` when it is sent.

    Returns:
        The state that the key had; None when no group is open.

    Raises:
        Disconnected: The broker does not answer, or others change the group again and again.
    """
    writes = Writes(bus.subjects, route)
    for _ in range(_TRIES):
        stored = await bus.read_newest(STREAM, writes.open(token))
        if stored is None:
            return None
        group = read_group(stored.data)
        folded = _folded(rule, group, discarded)
        if folded is None:
            return None
        try:
            if await bus.swap(STREAM, writes.of(token, folded, stored.sequence, rule)) is not None:
                return group
        except Retry as error:
            raise Disconnected(error.reason) from error
        await asyncio.sleep(_PAUSE)
    raise Disconnected("other replicas change the group at the same time, again and again")


def _folded(rule: Rule, group: Group, discarded: str) -> Folded | None:
    now = time.time_ns() // 1_000_000
    if rule.counts:
        return skip_now(rule, group, now=now, mint=new_id)
    return close_now(rule, group, now=now, discarded=discarded)
