"""Everything that was recorded of a message, of what was made of it, and of what people did to it.

There is no index: the records are read from the time on at which the message came in, until each
message to look for has its entry; and again when an entry named more of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final

import msgspec

from crossdock.contracts import Disconnected, Message
from crossdock.contracts.ids import millis_of
from crossdock.contracts.replying import REPLY
from crossdock.mesh import records
from crossdock.mesh.bus import Bus, Stored
from crossdock.mesh.finding import EARLIER, locate, routes_for

_SECONDS: Final = 60.0
_MOST_CAUSES: Final = 16
_MOST_PASSES: Final = 16


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a record, with what the record says of all of its entries.

    Attributes:
        kind: Kind of the component, or ``audit``.
        where: Its name; of an audit the command.
        time: When it was written, RFC 3339.
        by: Which process, or which person.
        revision: The route as it was, for a route.
        reason: Why a person did it.
        detours: Of a route: its detours, and whether the message took them.
        entry: What was done with the message.
    """

    kind: records.Kind
    where: str
    time: str
    by: str
    revision: str
    reason: str
    detours: dict[str, bool]
    entry: records.Entry


class Trail(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a message.

    Attributes:
        message: The message that came in; data that is kept apart is not fetched.
        stored: The same as its stream holds it.
        routes: The routes that take such messages now.
        facts: What was recorded of it and of all that was made of it, oldest first.
    """

    message: Message
    stored: Stored
    routes: tuple[str, ...]
    facts: tuple[Fact, ...]

    def last(self, kind: records.Kind, where: str, message_id: str) -> Fact | None:
        """Return the last fact of a component about a message: it holds."""
        for each in reversed(self.facts):
            if (each.kind, each.where, each.entry.id) == (kind, where, message_id):
                return each
        return None

    def audits(self, message_id: str) -> list[Fact]:
        """Return what people did to a message."""
        return [each for each in self.facts if each.kind == "audit" and each.entry.id == message_id]


async def follow(bus: Bus, message_id: str, sequence: int | None = None) -> Trail | None:
    """Return the trail of a message, or of the one that it was made of; None when there is none.

    Args:
        bus: The bus.
        message_id: Id of a message that came in, or that a route has made.
        sequence: Its sequence in the ``in`` stream, when known: makes the look-up quick.

    Raises:
        Disconnected: The broker does not answer, or the search ran out of time.
    """
    try:
        async with asyncio.timeout(_SECONDS):
            stored = await _origin(bus, message_id, sequence)
            if stored is None:
                return None
            message = Message.from_headers(stored.headers, stored.data)
            routes = tuple(await routes_for(bus, stored.subject))
            facts = await _facts(bus, stored, message.id, set(routes))
            return Trail(message=message, stored=stored, routes=routes, facts=facts)
    except TimeoutError as error:
        raise Disconnected(
            f"not found within {_SECONDS:g} s: give the number of the message in its stream"
        ) from error


async def _origin(bus: Bus, message_id: str, sequence: int | None) -> Stored | None:
    """Return the message that came in: itself, or what it was made of."""
    for _ in range(_MOST_CAUSES):
        stored = await locate(bus, message_id, sequence)
        if stored is not None:
            return stored
        made = await locate(bus, message_id, None, kind="out")
        if made is None:
            cause = await _last_member(bus, message_id)
        else:
            cause = Message.from_headers(made.headers, b"").extensions.get("causationid")
        if not cause:
            return None
        message_id, sequence = cause, None
    return None


async def _last_member(bus: Bus, group_id: str) -> str | None:
    """Return the id of the last message that joined a group; None when it is no group's id."""
    millis = millis_of(group_id)
    if millis is None:
        return None
    found = None
    since = datetime.fromtimestamp(millis / 1000, UTC) - EARLIER
    async for stored in bus.read("record", since=since):
        for entry in records.read(stored.data).entries:
            if (records.GROUP, group_id) in entry.children:
                found = entry.id
    return found


async def _facts(bus: Bus, stored: Stored, message_id: str, routes: set[str]) -> tuple[Fact, ...]:
    since = datetime.fromisoformat(stored.time) - EARLIER
    wanted = {message_id}
    facts: list[Fact] = []
    for _ in range(_MOST_PASSES):
        known = len(wanted)
        audits = [
            each
            for command in records.COMMANDS
            async for each in _about(bus, since, wanted, bus.subjects.record(command))
            if each.kind == "audit"
        ]
        facts = audits + await _recorded(bus, since, wanted, message_id, routes)
        if len(wanted) == known:
            break
    return tuple(sorted(facts, key=lambda each: each.time))


async def _recorded(
    bus: Bus, since: datetime, wanted: set[str], message_id: str, routes: set[str]
) -> list[Fact]:
    """Return what components recorded, up to where all that is wanted is known."""
    facts: list[Fact] = []
    told: set[str] = set()
    waiting = set(routes)
    answered = False  # then other routes take what came in again: nobody knows how many
    async for each in _about(bus, since, wanted, ">"):
        if each.kind == "audit":
            continue
        facts.append(each)
        told.add(each.entry.id)
        answered |= any(records.contract_of(where) for where, _ in each.entry.children)
        if each.entry.id == message_id:
            waiting.discard(each.where)
        if not answered and not waiting and wanted <= told:
            break
    return facts


async def _about(bus: Bus, since: datetime, wanted: set[str], subject: str) -> AsyncIterator[Fact]:
    """Yield what is recorded of these messages; what was made of them is wanted from then on."""
    async for stored in bus.read("record", subject=subject, since=since):
        record = records.read(stored.data)
        for entry in record.entries:
            if entry.id not in wanted:
                continue
            wanted.update(child for where, child in entry.children if where != REPLY)
            yield Fact(
                kind=record.kind,
                where=record.where,
                time=stored.time,
                by=record.by,
                revision=record.revision,
                reason=record.reason,
                detours=record.detours,
                entry=entry,
            )
