"""Finds open groups, and closes one by hand; with a record of who did it."""

from __future__ import annotations

import heapq
from pathlib import Path
from typing import Final

import msgspec

from crossdock.cli.group_look import Grouping, Open, opened
from crossdock.contracts import Halt, keyed_id
from crossdock.mesh import records
from crossdock.mesh.bus import Bus
from crossdock.mesh.expression import Json
from crossdock.mesh.groups.closing import close_by_hand
from crossdock.mesh.groups.room import STREAM
from crossdock.mesh.groups.state import read_group

_KINDS: Final = ("group", "sequence", "test-group", "test-sequence")


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What a person does to a group.

    Attributes:
        by: Who.
        reason: Why, in their words.
        discard: It ends instead of going on.
    """

    by: str
    reason: str
    discard: bool


async def oldest(bus: Bus, project: Path, route: str | None, limit: int) -> tuple[list[Open], int]:
    """Return open groups, those first that are open for longest, and how many more there are.

    Raises:
        Disconnected: The broker does not answer.
        Halt: The project cannot be used.
    """
    grouping = Grouping(project)
    kept: list[tuple[float, int, Open]] = []
    count = 0
    async for each in grouping.open(bus, route):
        count += 1
        item = (each.seconds, -count, each)
        (heapq.heappush if len(kept) < limit else heapq.heappushpop)(kept, item)
    found = [each for _, _, each in sorted(kept, reverse=True)]
    return found, count - len(found)


async def find_open(bus: Bus, project: Path, route: str, key: str) -> Open | None:
    """Return an open group with the ids of its messages; None when none of that key is open.

    Raises:
        Disconnected: The broker does not answer.
        Halt: The project cannot be used, or no route of that name keeps groups.
    """
    grouping = _of(project, route)
    for token in _tokens(route, key):
        stored = await bus.read_newest(STREAM, bus.subjects.group("open", route, token))
        group = None if stored is None else read_group(stored.data)
        if group is not None and group.id:
            return opened(route, token, group, hides=grouping.hides(route), ids=True)
    return None


async def close(bus: Bus, project: Path, which: tuple[str, str], act: Act) -> Open | None:
    """Close an open group; None when none of that key is open.

    The audit record comes first. What is ended goes to its route, too, which records that.

    Raises:
        CrossdockError: The broker does not answer, or it cannot be closed so.
    """
    route, key = which
    found = await find_open(bus, project, route, key)
    if found is None:
        return None
    rule = _of(project, route).routes[route].grouping
    assert rule is not None  # noqa: S101 - such routes only
    if act.discard and rule.counts:
        raise Halt(
            "messages that wait for a number are not discarded together: complete it to give up "
            "the gap"
        )
    command: records.Command = "discard" if act.discard else "complete"
    outcome: records.Outcome = "discarded" if act.discard else "completed"
    entries = [records.Entry(each, 0, outcome, f"group {found.token}") for each in found.messages]
    await records.audit(bus, command, entries, by=act.by, reason=act.reason)
    why = f"discarded by {act.by}" + (f": {act.reason}" if act.reason else "")
    closed = await close_by_hand(
        bus, route, rule, found.token, discarded=why if act.discard else ""
    )
    return None if closed is None else found


def _of(project: Path, route: str) -> Grouping:
    grouping = Grouping(project)
    if route not in grouping.routes:
        names = ", ".join(sorted(grouping.routes)) or "none"
        raise Halt(f"no route {route[:80]!r} keeps groups; there is {names}")
    return grouping


def _tokens(route: str, key: str) -> list[str]:
    """Return what may stand for what a person wrote: a key of some type, or a token."""
    keys: list[Json] = [key]
    try:
        value = msgspec.json.decode(key)
    except msgspec.DecodeError:
        value = None
    if isinstance(value, int | float | bool):
        keys.append(value)
    made = [
        keyed_id(kind, route, msgspec.json.encode(each).decode())
        for each in keys
        for kind in _KINDS
    ]
    if len(key) == len(made[0]) and all(each in "0123456789abcdef" for each in key):
        made.insert(0, key)
    return made
