"""Where is a message: found from the streams themselves, without an index of our own.

An id made by us tells its time (UUID version 7), a caller may give the stream sequence as a hint;
otherwise the ``in`` stream is searched from its start, within a bound of time.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from crossdock.contracts import Disconnected, Message
from crossdock.contracts.ids import millis_of
from crossdock.contracts.reference import version_of
from crossdock.mesh import records
from crossdock.mesh.bus import Bus, Stored
from crossdock.mesh.message_story import DestinationStatus, MessageStatus, RouteStatus, Story
from crossdock.mesh.redriving import AUDIT

EARLIER = timedelta(seconds=5)
_LATER = timedelta(minutes=5)
_SEARCH_SECONDS = 5.0

__all__ = [
    "DESTINATION_PREFIX",
    "EARLIER",
    "ROUTE_PREFIX",
    "DestinationStatus",
    "MessageStatus",
    "RouteStatus",
    "find",
    "locate",
    "routes_for",
]

ROUTE_PREFIX = "route-"
DESTINATION_PREFIX = "dest-"


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
    story = Story(stored.sequence, await routes_for(bus, stored.subject))
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


async def _read_on(bus: Bus, story: Story, since: datetime) -> None:
    """Read what concerns a message; what waits for a time says nothing until then."""
    begin: datetime | None = since
    while begin is not None and begin <= datetime.now(UTC):
        begin = await _read_until_it_waits(bus, story, begin)


async def _read_until_it_waits(bus: Bus, story: Story, begin: datetime) -> datetime | None:
    """Return from when on to read further; None when all is known that can be."""
    async for record in bus.read("record", since=begin):
        story.read(records.read(record.data))
        if story.complete:
            return None
        due = story.waits_until
        if due is not None and due - EARLIER > datetime.fromisoformat(record.time):
            return due - EARLIER
    return None


async def _redrives(bus: Bus, story: Story, since: datetime) -> datetime | None:
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
