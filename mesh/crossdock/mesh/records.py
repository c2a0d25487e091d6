"""Records: what became of each message, written before it is acknowledged.

The entries of a whole batch are one message on ``<mesh>.record.<component>``, so that a record
costs a few bytes and no fsync of its own. A redelivered message leaves an entry again: the reader
counts by stream sequence, the last entry holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from crossdock.mesh.bus import Bus, Outgoing, Published

Kind = Literal["route", "group", "destination", "source"]
Outcome = Literal["routed", "grouped", "filtered", "delivered", "dead", "published", "refused"]
GROUP: Final = "group:"
"""Stands for the destination where the child is a group that the message has joined."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """What one component did with one message.

    Attributes:
        id: Id of the message.
        sequence: Its sequence in the stream it came from.
        outcome: What became of it.
        detail: Why, for a person; the branch or the reason, never a value of the payload.
        children: Destination and id of each message that a route made of it; :data:`GROUP` and id
            of each group that it joined.
    """

    id: str
    sequence: int
    outcome: Outcome
    detail: str = ""
    children: tuple[tuple[str, str], ...] = ()


class Record(msgspec.Struct, frozen=True):
    """The entries that one component wrote at once.

    Attributes:
        kind: Kind of the component; ``group`` is the second half of a route, for its groups.
        where: Its name.
        entries: One for each message.
    """

    kind: Kind
    where: str
    entries: tuple[Entry, ...]


_DECODER = msgspec.json.Decoder(Record)


async def write(bus: Bus, kind: Kind, where: str, entries: Sequence[Entry]) -> Published:
    """Store what became of a batch.

    Raises:
        CrossdockError: When it could not be stored.
    """
    data = msgspec.json.encode(Record(kind, where, tuple(entries)))
    return (await bus.store([Outgoing(bus.subjects.record(where), {}, data)]))[0]


def read(data: bytes) -> Record:
    """Read a stored record.

    Raises:
        msgspec.DecodeError: When it is not one.
    """
    return _DECODER.decode(data)
