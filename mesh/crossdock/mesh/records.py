"""Records: what became of each message, written before it is acknowledged.

The entries of a whole batch are one message on ``<mesh>.record.<component>``, so that a record
costs a few bytes and no fsync of its own. A redelivered message leaves an entry again: the reader
counts by stream sequence, the last entry holds.

What people do to messages (redrive, replay, repair) leaves a record of the kind ``audit``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from crossdock.mesh.bus import Bus, Outgoing, Published

Kind = Literal["route", "group", "destination", "source", "audit"]
Outcome = Literal[
    "routed",
    "grouped",
    "delayed",
    "filtered",
    "delivered",
    "tested",
    "dead",
    "published",
    "refused",
    "edited",
    "redriven",
    "discarded",
    "replayed",
    "released",
    "completed",
]
Command = Literal["redrive", "replay", "edit", "discard", "release", "complete"]
COMMANDS: Final[tuple[Command, ...]] = (
    "redrive",
    "replay",
    "edit",
    "discard",
    "release",
    "complete",
)
"""What audit records are named by."""
NO_DETOURS: Final[Mapping[str, bool]] = MappingProxyType({})
GROUP: Final = "group:"
"""Stands for the destination where the child is a group that the message has joined, or waits."""
_CAME_IN: Final = "in:"


def came_in(contract: str) -> str:
    """Return what stands for the destination where the child came in again: an answer."""
    return f"{_CAME_IN}{contract}"


def contract_of(destination: str) -> str | None:
    """Return the contract as which a child came in again; None for one that went out."""
    return destination.removeprefix(_CAME_IN) if destination.startswith(_CAME_IN) else None


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """What one component did with one message.

    Attributes:
        id: Id of the message.
        sequence: Its sequence in the stream it came from.
        outcome: What became of it.
        detail: Why, for a person; the branch or the reason, never a value of the payload.
        children: Destination and id of each message that a route made of it; :data:`GROUP` and id
            of each group that it joined, and of each part of it that waits for its time;
            :func:`came_in` and id of what a system answered to it.
        attempts: How often it was tried.
        letter: Number of its dead letter; 0 when it is none.
    """

    id: str
    sequence: int
    outcome: Outcome
    detail: str = ""
    children: tuple[tuple[str, str], ...] = ()
    attempts: int = 1
    letter: int = 0


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """The entries that one component wrote at once.

    Attributes:
        kind: Kind of the component; ``group`` is the second half of a route, for its groups.
        where: Its name; of an audit the command.
        entries: One for each message.
        by: Which process, or which person, did it.
        revision: The route as it was: see :mod:`crossdock.mesh.revisions`.
        reason: Why a person did it, in their words.
        detours: Of a route: its detours, and whether messages took them.
    """

    kind: Kind
    where: str
    entries: tuple[Entry, ...]
    by: str = ""
    revision: str = ""
    reason: str = ""
    detours: dict[str, bool] = {}


_DECODER = msgspec.json.Decoder(Record)


async def write(
    bus: Bus,
    kind: Kind,
    where: str,
    entries: Sequence[Entry],
    *,
    revision: str = "",
    detours: Mapping[str, bool] = NO_DETOURS,
) -> Published:
    """Store what became of a batch.

    Raises:
        CrossdockError: When it could not be stored.
    """
    record = Record(
        kind, where, tuple(entries), by=bus.name, revision=revision, detours=dict(detours)
    )
    return await _store(bus, record)


async def audit(
    bus: Bus, command: Command, entries: Sequence[Entry], *, by: str, reason: str
) -> Published:
    """Store what a person did to messages.

    Raises:
        CrossdockError: When it could not be stored.
    """
    return await _store(bus, Record("audit", command, tuple(entries), by=by, reason=reason))


def read(data: bytes) -> Record:
    """Read a stored record.

    Raises:
        msgspec.DecodeError: When it is not one.
    """
    return _DECODER.decode(data)


async def _store(bus: Bus, record: Record) -> Published:
    subject = bus.subjects.record(record.where)
    return (await bus.store([Outgoing(subject, {}, msgspec.json.encode(record))]))[0]
