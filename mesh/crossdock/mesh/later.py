"""Messages that wait for their time (Delayer): kept by the broker, which lets them go.

Each is one message on ``<mesh>.group.later.<route>.<id>`` with the header ``Nats-Schedule``
(ADR-51 of the server). When its time has come the broker removes it, in the same write in which it
puts it on ``<mesh>.group.ready.<route>.<id>``, where the second half of the route takes it. So what
waits costs no router anything, goes on when none ran at that moment, and is always in exactly one
of the two places.

Tried on nats-server 2.15.1: the broker lets go about 2,000 a second with an fsync for each; one
whose time is over goes on at once; schedules outlive ``kill -9``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from crossdock.contracts import Message, Reject
from crossdock.contracts.expiry import read_time, write_time
from crossdock.mesh.bus import Bus, Outgoing, Stored, Swap
from crossdock.mesh.groups.room import STREAM, Room

_WAITS: Final = "waits until "
_SCHEDULE: Final = "Nats-Schedule"
_AT: Final = "@at "
_HEADROOM: Final = 64 * 1024  # of a message: headers, and what the broker adds


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One message that waits.

    Attributes:
        id: Its id while it waits.
        route: Name of the route.
        message: Id of the message that came in.
        until: When it goes on, RFC 3339.
        since: When it began to wait.
        sequence: Where it is in its stream.
    """

    id: str
    route: str
    message: str
    until: str
    since: str
    sequence: int


class Later:
    """Lets messages of one route wait."""

    def __init__(self, bus: Bus, route: str, *, bound: int) -> None:
        """Prepare; nothing is read.

        Args:
            bus: Connection.
            route: Name of the route.
            bound: Bytes that the stream may hold before nothing more may wait (I8).
        """
        self._bus = bus
        self._route = route
        self._room = Room(bus, bound)
        self._most = bus.max_payload - _HEADROOM

    def outgoing(self, message: Message, due: datetime) -> Outgoing:
        """Return what to store for a message that is to wait.

        Args:
            message: As it waits.
            due: When it goes on.

        Raises:
            Reject: It is too large for that.
        """
        if len(message.data) > self._most:
            raise Reject(f"{len(message.data)} bytes are too many to wait: {self._most} may be")
        subjects = self._bus.subjects
        headers = message.headers() | {
            _SCHEDULE: f"{_AT}{write_time(due)}",
            "Nats-Schedule-Target": subjects.group("ready", self._route, message.id),
            "Nats-Msg-Id": message.id,
        }
        return Outgoing(subjects.group("later", self._route, message.id), headers, message.data)

    async def hold(self, items: list[Outgoing]) -> None:
        """Store what is to wait; it is durable when this returns.

        One that is stored again takes its own place, with the same time.

        Raises:
            Disconnected: The broker is away or has no room.
            Retry: The broker has no room.
        """
        if items:
            await self._room.look()
            await self._bus.store(items)


def waits_until(dues: Sequence[datetime]) -> str:
    """Return what the record says of a message that waits.

    Args:
        dues: When each part of it goes on; one or more.
    """
    first, last = write_time(min(dues)), write_time(max(dues))
    return f"{_WAITS}{first}" if first == last else f"{_WAITS}{first}, its last part until {last}"


def due_of(detail: str) -> datetime | None:
    """Return when the first part goes on of which a record says :func:`waits_until`."""
    return read_time(detail.removeprefix(_WAITS).partition(",")[0])


async def waiting(bus: Bus, route: str | None = None) -> AsyncIterator[Waiting]:
    """Yield what waits, in the order in which it began to.

    Args:
        bus: Connection.
        route: Name of a route; None for all.

    Raises:
        Disconnected: The broker does not answer.
    """
    mesh = bus.subjects.mesh
    subject = f"{mesh}.group.later.>" if route is None else bus.subjects.group("later", route, "*")
    async for stored in bus.read(STREAM, subject=subject):
        yield _waiting(stored)


async def release(bus: Bus, waits: Waiting, change: Callable[[bytes], bytes] | None = None) -> bool:
    """Let go at once what waits; it goes on through its route as when its time has come.

    Args:
        bus: Connection.
        waits: What waits.
        change: Makes its data another one.

    Returns:
        Whether it was let go; False when it had gone on by itself.

    Raises:
        Disconnected: The broker does not answer.
        Reject: It cannot be changed.
    """
    subject = bus.subjects.group("later", waits.route, waits.id)
    stored = await bus.read_newest(STREAM, subject)
    if stored is None:
        return False
    headers = {k: v for k, v in stored.headers.items() if not k.startswith("Nats-")}
    headers |= {
        _SCHEDULE: f"{_AT}{write_time(datetime.now(UTC))}",
        "Nats-Schedule-Target": bus.subjects.group("ready", waits.route, waits.id),
    }
    data = stored.data if change is None else change(stored.data)
    # Only in the place of what was read: one that has gone on must not come again (I4).
    swap = Swap(subject, data, headers, stored.sequence)
    return await bus.swap(STREAM, [swap]) is not None


def _waiting(stored: Stored) -> Waiting:
    message = Message.from_headers(stored.headers, b"")
    due = read_time(stored.headers.get(_SCHEDULE, "").removeprefix(_AT))
    return Waiting(
        id=message.id,
        route=stored.subject.split(".")[3],
        message=message.extensions.get("causationid", ""),
        until="" if due is None else write_time(due),
        since=stored.time,
        sequence=stored.sequence,
    )
