"""The port between the runtime and an adapter: what one protocol has to bring.

An adapter is a value of type :class:`Adapter`, found through the entry-point group
``crossdock.adapters``. It makes a :class:`Source` or a :class:`Sink` from its settings; all else
(validation, publishing, acknowledging, retries, dead letters, inbox, metrics) is the runtime's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from crossdock.contracts import CrossdockError


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a source received.

    Attributes:
        value: What was received, as JSON-like Python (dict, list, str, …); ``bytes`` when it
            could not be read, then ``error`` says why.
        raw: The original bytes, kept in the dead letter when the thing is refused.
        id: Identity that stays the same when the same thing is received again; None when the
            system has none: then each receipt is a new message.
        place: Where it came from, for a person: ``employees.csv:17``, ``meters/7``.
        error: Why it could not be read; None when it could.
        token: Whatever the source needs to acknowledge it.
    """

    value: Any
    raw: bytes
    id: str | None = None
    place: str = ""
    error: str | None = None
    token: Any = None

    def __repr__(self) -> str:  # I6: a payload is in no repr
        return f"Received(place={self.place!r}, {len(self.raw)} bytes)"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message for a sink.

    Attributes:
        id: Identity of the message (source and id in one token): what an inbox keys on. The same
            message always has the same one.
        value: What to deliver: the data, or what the worker's ``map`` made of it.
        type: Name of the contract.
        attributes: CloudEvents attributes, for protocols that carry headers.
        attempt: 1 for the first attempt.
    """

    id: str
    value: Any
    type: str
    attributes: dict[str, str] = {}
    attempt: int = 1

    def __repr__(self) -> str:  # I6
        return f"Delivery(type={self.type!r}, id={self.id!r}, attempt={self.attempt})"


class Answer(msgspec.Struct, frozen=True):
    """What a system answered to a message that it has taken.

    Attributes:
        data: JSON in UTF-8, as it came; empty when the system said nothing.
    """

    data: bytes

    def __repr__(self) -> str:  # I6
        return f"Answer({len(self.data)} bytes)"


Delivered: TypeAlias = CrossdockError | Answer | None
"""What came of a delivery: done, done and answered, or why it is not."""


class Source(Protocol):
    """Receives from one system. Called by one task, one call at a time.

    Any method may raise ``Disconnected`` (the runtime closes it, waits and opens it again) or
    ``Halt`` (stop, alarm). Whatever was received and not acknowledged must be received again after
    the next ``open``.
    """

    async def open(self) -> None:
        """Connect. Called first, and again after ``Disconnected``."""

    async def receive(self) -> Sequence[Received]:
        """Return what has come in, waiting at most about a second; empty when nothing did.

        Cancelling it loses nothing. At most the worker's ``batch`` things are returned.
        """

    async def acknowledge(self, received: Sequence[Received]) -> None:
        """Tell the system that these are safe now: each has its PubAck or is a dead letter (I1).

        They are the head of what ``receive`` returned, in its order.
        """

    async def close(self) -> None:
        """Release everything. Safe without ``open`` and twice."""


class Sink(Protocol):
    """Delivers to one system. Called by one task, one call at a time."""

    async def open(self) -> None:
        """Connect. Called first, and again after ``Disconnected``."""

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Delivered]:
        """Deliver a batch in order; return for each None when its effect is durable, or why not.

        Where the context says that answers are wanted, an :class:`Answer` stands for None.
        The runtime acts on each: ``Retry`` is tried again later, ``Reject`` becomes a dead letter.
        Raising instead speaks for the whole batch. A message that was delivered before (same id)
        counts as done and has no second effect. On cancellation (timeout) the whole batch is
        unknown and comes again.
        """

    async def close(self) -> None:
        """Release everything. Safe without ``open`` and twice."""


class WorkerContext(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter may know of the worker that it serves.

    Attributes:
        mesh: Name of the mesh.
        worker: Name of the worker.
        folder: The project folder; relative paths in settings start there.
        batch: Most things that ``receive`` returns, or that ``deliver`` is given.
        answer: Most bytes of an answer that is wanted; 0 when none is.
    """

    mesh: str
    worker: str
    folder: Path
    batch: int = 500
    answer: int = 0


class Place(msgspec.Struct, frozen=True):
    """Where a sink writes or a source reads, so that a check sees that it is the same place.

    Attributes:
        system: What tells systems apart: ``mqtt://HOST:PORT``, the URL of a database, ``file``.
        name: What is written there: a topic, a path, a table. For a source a regular expression of
            what is read.
    """

    system: str
    name: str


def nowhere(_: msgspec.Struct) -> tuple[Place, ...]:
    """Return no place: what an adapter says that cannot know it from its settings."""
    return ()


class Adapter(msgspec.Struct, frozen=True, kw_only=True):
    """One protocol in one direction.

    Attributes:
        name: As written in a worker file: ``sql-out``.
        summary: One line for a person.
        direction: Whether ``make`` returns a Source or a Sink.
        settings: Frozen msgspec type of its settings; unknown keys refused.
        make: Called with the settings and the context; does no I/O.
        effect_once: Whether a repeated message has no second effect (inbox, or the system's key).
        answers: Whether its sink can give the system's answers.
        in_order: Whether its sink has done a message of a batch only if it has done, or refused,
            all before it; then it is given several of one order key at once.
        places: Returns where it writes or reads by its settings, secrets not resolved: so it is
            found when what goes out comes in again.
    """

    name: str
    summary: str
    direction: Literal["source", "sink"]
    settings: type[msgspec.Struct]
    make: Callable[[Any, WorkerContext], Any]
    effect_once: bool = True
    answers: bool = False
    in_order: bool = False
    places: Callable[[Any], tuple[Place, ...]] = nowhere
