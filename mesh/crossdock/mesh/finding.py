"""Where is a message: found from the streams themselves, without an index of our own.

An id made by us tells its time (UUID version 7), a caller may give the stream sequence as a hint;
otherwise the ``in`` stream is searched from its start, within a bound of time.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from crossdock.contracts import Disconnected, Message
from crossdock.contracts.ids import millis_of
from crossdock.contracts.reference import version_of
from crossdock.mesh import records
from crossdock.mesh.bus import Bus, Stored
from crossdock.mesh.later import due_of
from crossdock.mesh.redriving import AUDIT

EARLIER = timedelta(seconds=5)
_LATER = timedelta(minutes=5)
_SEARCH_SECONDS = 5.0
ROUTE_PREFIX = "route-"
DESTINATION_PREFIX = "dest-"

DestinationState = Literal["pending", "delivered", "filtered", "dead"]
RouteState = Literal["pending", "routed", "grouped", "delayed", "filtered", "dead"]


class DestinationStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one message that a route made.

    Attributes:
        destination: Where it goes.
        id: Its own id.
        state: Pending, delivered, dead, or filtered because its time was over.
        detail: Why, for a dead or filtered one; until when, for what waits.
    """

    destination: str
    id: str
    state: DestinationState
    detail: str = ""


class RouteStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a route did with the message.

    Attributes:
        route: Its name.
        state: Pending, routed, grouped, delayed, filtered or dead.
        detail: Which branch, or why.
        destinations: One for each message that it made.
    """

    route: str
    state: RouteState
    detail: str = ""
    destinations: tuple[DestinationStatus, ...] = ()


class MessageStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message is.

    Attributes:
        id: Its id.
        source: Who made it.
        contract: Name of its contract.
        version: Version of its contract.
        accepted: When it was stored, RFC 3339.
        sequence: Its sequence in the ``in`` stream.
        state: ``accepted`` while something is pending, then ``done``, or ``dead`` when anything of
            it is a dead letter.
        routes: What each route that accepts it did.
    """

    id: str
    source: str
    contract: str
    version: str
    accepted: str
    sequence: int
    state: Literal["accepted", "done", "dead"]
    routes: tuple[RouteStatus, ...] = ()


async def find(bus: Bus, message_id: str, sequence: int | None = None) -> MessageStatus | None:
    """Return where a message is, or None when there is none with that id.

    Args:
        bus: The bus.
        message_id: Its id.
        sequence: Its sequence in the ``in`` stream, when known: makes the look-up quick.

    Raises:
        Disconnected: The broker does not answer, or the search ran out of time.
    """
    try:
        async with asyncio.timeout(_SEARCH_SECONDS):
            stored = await locate(bus, message_id, sequence)
            if stored is None:
                return None
            return await _status(bus, stored, Message.from_headers(stored.headers, b""))
    except TimeoutError as error:
        raise Disconnected(
            f"not found within {_SEARCH_SECONDS:g} s: give the stream sequence as a hint"
        ) from error


async def locate(
    bus: Bus, message_id: str, sequence: int | None = None, *, kind: str = "in"
) -> Stored | None:
    """Return a message by its id, or None when the stream does not have it.

    Args:
        bus: The bus.
        message_id: Its id.
        sequence: Its sequence in the stream, when known: makes the look-up quick.
        kind: Stream: ``in`` or ``out``.

    Raises:
        Disconnected: The broker does not answer.
    """
    if sequence is not None:
        stored = await bus.read_one(kind, sequence)
        return stored if stored is not None and _is(stored, message_id) else None
    millis = millis_of(message_id)
    since = until = None
    if millis is not None:
        moment = datetime.fromtimestamp(millis / 1000, UTC)
        since, until = moment - EARLIER, moment + _LATER
    async for stored in bus.read(kind, since=since):
        if _is(stored, message_id):
            return stored
        if until is not None and datetime.fromisoformat(stored.time) > until:
            return None
    return None


def _is(stored: Stored, message_id: str) -> bool:
    try:
        return Message.from_headers(stored.headers, b"").id == message_id
    except ValueError:
        return False


async def _status(bus: Bus, stored: Stored, message: Message) -> MessageStatus:
    story = _Story(stored.sequence, await routes_for(bus, stored.subject))
    since = datetime.fromisoformat(stored.time) - EARLIER
    await _read_on(bus, story, since)
    while (sent_again := await _redrives(bus, story, since)) is not None:
        await _read_on(bus, story, sent_again)
    return MessageStatus(
        id=message.id,
        source=message.source,
        contract=message.type,
        version=version_of(message.dataschema) or "",
        accepted=stored.time,
        sequence=stored.sequence,
        state=story.state,
        routes=story.routes(),
    )


async def _read_on(bus: Bus, story: _Story, since: datetime) -> None:
    """Read what concerns a message; what waits for a time says nothing until then."""
    begin: datetime | None = since
    while begin is not None and begin <= datetime.now(UTC):
        begin = await _read_until_it_waits(bus, story, begin)


async def _read_until_it_waits(bus: Bus, story: _Story, begin: datetime) -> datetime | None:
    """Return from when on to read further; None when all is known that can be."""
    async for record in bus.read("record", since=begin):
        story.read(records.read(record.data))
        if story.complete:
            return None
        due = story.waits_until
        if due is not None and due - EARLIER > datetime.fromisoformat(record.time):
            return due - EARLIER
    return None


async def _redrives(bus: Bus, story: _Story, since: datetime) -> datetime | None:
    """Note which of the dead ones were sent again; return when, None when no more were."""
    if story.state != "dead":
        return None
    first = None
    async for stored in bus.read("record", subject=bus.subjects.record(AUDIT), since=since):
        for entry in records.read(stored.data).entries:
            # the letter goes last: while it is there, the message is where it was
            if story.is_dead(entry) and await bus.read_one("dead", entry.letter) is None:
                story.replace(entry)
                first = first or datetime.fromisoformat(stored.time) - EARLIER
    return first


async def routes_for(bus: Bus, subject: str) -> list[str]:
    """Return the names of the routes that take messages of a subject.

    Raises:
        Disconnected: The broker does not answer.
    """
    return [
        each.name.removeprefix(ROUTE_PREFIX)
        for each in await bus.consumers("in")
        if each.name.startswith(ROUTE_PREFIX) and subject in each.filters
    ]


class _Story:
    """Gathers from the records what concerns one message, and those that took its place."""

    def __init__(self, sequence: int, routes: list[str]) -> None:
        self._sequence = sequence
        self._routes: dict[str, records.Entry | None] = dict.fromkeys(routes)
        self._groups: dict[str, records.Entry] = {}
        self._delivered: dict[str, records.Entry] = {}
        self._sent_again: dict[str, str] = {}  # to a route: the id it had then
        self._again: dict[str, str] = {}  # to a destination: by the id it had before

    def read(self, record: records.Record) -> None:
        for entry in record.entries:
            if record.kind == "route" and self._concerns(record.where, entry):
                self._routes[record.where] = entry
            elif record.kind == "group":
                self._groups[entry.id] = entry
            elif record.kind == "destination":
                self._delivered[entry.id] = entry

    def is_dead(self, audited: records.Entry) -> bool:
        """Tell whether what was sent again is dead as far as we know."""
        return any(
            each is not None and (each.id, each.outcome) == (audited.id, "dead")
            for each in (
                *self._routes.values(),
                self._delivered.get(audited.id),
                self._groups.get(audited.id),
            )
        )

    def replace(self, audited: records.Entry) -> None:
        """Follow what took the place of a dead one."""
        for where, again in audited.children:
            dead = self._routes.get(where)
            if dead is not None and dead.id == audited.id:
                self._routes[where] = None
                self._sent_again[where] = again
            else:
                self._again[audited.id] = again
                self._delivered.pop(audited.id, None)

    @property
    def complete(self) -> bool:
        return all(
            entry is not None
            and all(self._last(child) in self._delivered for _, child in self._children(entry))
            for entry in self._routes.values()
        )

    @property
    def waits_until(self) -> datetime | None:
        """When the first part of it goes on, if nothing else is to be known before that."""
        dues: list[datetime] = []
        for entry in self._routes.values():
            if entry is None:
                return None
            for destination, child in self._children(entry):
                if self._last(child) in self._delivered:
                    continue
                due = due_of(entry.detail) if entry.outcome == "delayed" else None
                if destination != records.GROUP or due is None:
                    return None
                dues.append(due)
        return min(dues, default=None)

    @property
    def state(self) -> Literal["accepted", "done", "dead"]:
        routes = self.routes()
        states = {each.state for each in routes} | {
            each.state for route in routes for each in route.destinations
        }
        if "dead" in states:
            return "dead"
        return "accepted" if "pending" in states else "done"

    def routes(self) -> tuple[RouteStatus, ...]:
        return tuple(self._route(name, entry) for name, entry in sorted(self._routes.items()))

    def _concerns(self, route: str, entry: records.Entry) -> bool:
        again = self._sent_again.get(route)
        return entry.sequence == self._sequence if again is None else entry.id == again

    def _last(self, message_id: str) -> str:
        """Return the id of the last one that took the place of a message; each has a new one."""
        while message_id in self._again:
            message_id = self._again[message_id]
        return message_id

    def _route(self, name: str, entry: records.Entry | None) -> RouteStatus:
        if entry is None:
            return RouteStatus(route=name, state="pending")
        return RouteStatus(
            route=name,
            state=msgspec.convert(entry.outcome, RouteState),
            detail=entry.detail,
            destinations=tuple(self._destination(*child, entry) for child in self._children(entry)),
        )

    def _children(self, entry: records.Entry) -> list[tuple[str, str]]:
        """Return what became of a message; in the place of a group what became of that."""
        found: list[tuple[str, str]] = []
        for destination, child in entry.children:
            last = self._last(child)
            group = self._groups.get(last) if destination == records.GROUP else None
            done = group is not None and group.outcome != "dead"
            found += group.children if group is not None and done else [(destination, child)]
        return found

    def _destination(self, destination: str, child: str, of: records.Entry) -> DestinationStatus:
        last = self._last(child)
        entry = self._delivered.get(last) or self._groups.get(last)
        state: DestinationState = "pending"
        detail = ""
        if entry is not None:
            state, detail = msgspec.convert(entry.outcome, DestinationState), entry.detail
        elif destination == records.GROUP and of.outcome == "delayed":
            detail = of.detail
        return DestinationStatus(destination=destination, id=last, state=state, detail=detail)
