"""The story of a message as values: its hops, and what people did."""

from __future__ import annotations

import msgspec

from crossdock.router.explaining import Explanation


class SentAgain(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter that was sent again.

    Attributes:
        time: When, RFC 3339.
        by: Who did it.
        reason: Why, in their words.
        id: The new id of the message.
    """

    time: str
    by: str
    reason: str
    id: str


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """What one route or destination did with one message.

    Attributes:
        kind: Route or destination; group for the messages that a route has put together, delay for
            one that has waited; answer for what a system answered, which came in again; reply for
            what went to whoever asked.
        where: Its name.
        id: Id of the message, or of the group.
        outcome: What became of it; ``pending`` when nothing is recorded yet.
        detail: Why, in one line.
        time: When, RFC 3339.
        by: Which process.
        attempts: How often it was tried.
        letter: Number of its dead letter, 0 for none.
        revision: Name of the route's state of then.
        revision_is: Which state of the route the explanation shows.
        policy: Name of its failure policy.
        why: The decision, told condition by condition; None when it cannot be told.
        note: Why it cannot be told, or how far it is right.
        slip: The routing slip of the message, and where on it this is; ``""`` without one.
        again: How it was sent again, when it was a dead letter.
        next: What became of what was made of it, and of what was sent again.
    """

    kind: str
    where: str
    id: str
    outcome: str
    detail: str = ""
    time: str = ""
    by: str = ""
    attempts: int = 0
    letter: int = 0
    revision: str = ""
    revision_is: str = ""
    policy: str = ""
    why: Explanation | None = None
    note: str = ""
    slip: str = ""
    again: tuple[SentAgain, ...] = ()
    next: tuple[Hop, ...] = ()


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """The whole way of a message.

    Attributes:
        id: Its id.
        asked: The id that was asked for, when it is that of something made of it.
        source: Who made it.
        contract: Name of its contract.
        version: Version of its contract.
        accepted: When it was stored, RFC 3339.
        sequence: Its number in the stream.
        cause: Id of the message that caused it, ``""`` when it is the first.
        correlation: Id of the first message of the conversation.
        trace: Its trace id, ``""`` without one.
        hops: What each route that takes it did.
    """

    id: str
    asked: str
    source: str
    contract: str
    version: str
    accepted: str
    sequence: int
    cause: str
    correlation: str
    trace: str
    hops: tuple[Hop, ...]
