"""Dead letters: what could not go on, and why, so that it can be repaired and redriven (I3).

A dead letter is a message on ``<mesh>.dead.<component>`` with the original headers and bytes. What
we know of it is in headers ``crossdock-…`` beside them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final, Literal

import msgspec

from crossdock.contracts import Problem, Reject, keyed_id
from crossdock.contracts.claim_check import HEADER, ClaimCheck
from crossdock.contracts.message import decode, encode
from crossdock.mesh.bus import Bus, Incoming, Outgoing, Published, Stored

Kind = Literal["route", "group", "destination", "source"]

DONE: Final = "crossdock-done"
"""Header of what was done of a message before it failed: opaque, a route knows what it means."""

_OURS = "crossdock-"
_HEADROOM = 32 * 1024  # for all headers of a dead letter but that one
_OF_MESSAGE = frozenset({"crossdock-origin"})  # what the message brought with it
_MAX_TEXT = 1000
_MAX_PROBLEMS = 20


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Why and where a message could not go on.

    Attributes:
        kind: What failed.
        where: Name of the route, also of a group's; of the destination or of the source worker.
        reason: One line for a person, without payload (I6).
        problems: Each single problem, when there are several.
        attempts: How often it was tried.
        place: Where the thing came from, for a source: ``employees.csv:17``.
        contract: What a source wanted to publish, ``name@range``.
        instruction: Kind of the error: ``Reject``, or what it was the last attempt of.
        revision: What records call the route as it was.
    """

    kind: Kind
    where: str
    reason: str
    problems: tuple[Problem, ...] = ()
    attempts: int = 1
    place: str = ""
    contract: str = ""
    instruction: str = "Reject"
    revision: str = ""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One dead letter as the stream holds it.

    Attributes:
        sequence: Its number in the dead-letter stream: how people and commands name it.
        time: When it was put there, RFC 3339.
        cause: Why and where.
        subject: Subject of the original message, ``""`` for what a source refused.
        headers: Headers of the original message.
        data: The original bytes; none where they are kept apart, see :func:`whole`.
        patch: How they were repaired: a JSON Patch (RFC 6902); ``""`` when they were not.
        redrives: How often the message was sent again before it came here.
        first: Number and time of the dead letter that this is the repaired form of.
        done: What was done of it before it failed, and is not done again; ``""`` for nothing.
    """

    sequence: int
    time: str
    cause: Cause
    subject: str
    headers: dict[str, str]
    data: bytes
    patch: str = ""
    redrives: int = 0
    first: str = ""
    done: str = ""

    @property
    def key(self) -> str:
        """Identity of the failure: the same before and after a repair."""
        return self.first or f"{self.sequence} {self.time}"

    @property
    def size(self) -> int:
        """Bytes of the original, also where they are kept apart."""
        try:
            return ClaimCheck.parse(self.headers[HEADER]).size
        except (KeyError, ValueError):
            return len(self.data)

    @property
    def message_id(self) -> str:
        """Id of the canonical message, ``""`` when it never became one."""
        return decode(self.headers.get("ce-id", ""))

    def __repr__(self) -> str:  # I6
        return f"DeadLetter({self.sequence}, {self.cause.where!r}, {self.size} bytes)"


async def put(
    bus: Bus, cause: Cause, *, key: str, subject: str, headers: dict[str, str], data: bytes
) -> Published:
    """Store a dead letter; its PubAck comes before the original is settled (I2).

    Args:
        bus: The bus.
        cause: Why and where.
        key: Identity of the failure: the same key again is the same dead letter, as long as the
            stream remembers ids (``broker.duplicate_window``).
        subject: Subject of the original message, ``""`` if it had none.
        headers: Its headers, without the broker's own.
        data: Its bytes.

    Raises:
        CrossdockError: When it could not be stored.
    """
    kept = {name: value for name, value in headers.items() if not name.startswith("Nats-")}
    problems = msgspec.json.encode(cause.problems[:_MAX_PROBLEMS]).decode()
    ours = {
        "crossdock-kind": cause.kind,
        "crossdock-where": cause.where,
        "crossdock-reason": encode(cause.reason[:_MAX_TEXT]),
        "crossdock-problems": encode(problems),
        "crossdock-attempts": str(cause.attempts),
        "crossdock-place": encode(cause.place[:_MAX_TEXT]),
        "crossdock-contract": encode(cause.contract),
        "crossdock-instruction": cause.instruction,
        "crossdock-revision": cause.revision,
        "crossdock-subject": subject,
        "Nats-Msg-Id": keyed_id("dead", key),
    }
    item = Outgoing(bus.subjects.dead(cause.where), kept | ours, data)
    return (await bus.store([item]))[0]


async def listing(bus: Bus, where: str | None = None) -> AsyncIterator[DeadLetter]:
    """Yield the dead letters, oldest first, of one component or of all."""
    subject = f"{bus.subjects.mesh}.dead.>" if where is None else bus.subjects.dead(where)
    async for stored in bus.read("dead", subject=subject):
        yield _read(stored)


async def get(bus: Bus, sequence: int) -> DeadLetter | None:
    """Return one dead letter by its number, or None."""
    stored = await bus.read_one("dead", sequence)
    return None if stored is None else _read(stored)


async def whole(bus: Bus, letter: DeadLetter) -> DeadLetter:
    """Return a dead letter with the original bytes, wherever they are kept (Claim Check).

    Raises:
        Disconnected: The broker does not answer.
        Reject: They are not there, or not what they were.
    """
    check = letter.headers.get(HEADER)
    if check is None:
        return letter
    async with bus.claim_checks.redeemed(check) as data:
        return msgspec.structs.replace(without_check(letter), data=data)


def without_check(letter: DeadLetter) -> DeadLetter:
    """Return a dead letter that does not refer to data, to give it other data."""
    headers = {name: value for name, value in letter.headers.items() if name != HEADER}
    return msgspec.structs.replace(letter, headers=headers)


async def replace(bus: Bus, letter: DeadLetter, patch: str) -> Published:
    """Put a repaired dead letter in the place of one; it has a new number, and the original bytes.

    Args:
        bus: The bus.
        letter: The dead letter.
        patch: JSON Patch that takes the original to what it should be; ``""`` to undo a repair.

    Raises:
        CrossdockError: When it could not be stored; the dead letter is as it was then.
    """
    stored = await bus.read_one("dead", letter.sequence)
    if stored is None:
        raise Reject(f"there is no dead letter {letter.sequence}")
    headers = {k: v for k, v in stored.headers.items() if not k.startswith("Nats-")}
    headers |= {
        "crossdock-patch": encode(patch),
        "crossdock-first": encode(letter.key),
        "Nats-Msg-Id": keyed_id("repair", str(letter.sequence), letter.time, patch),
    }
    published = (await bus.store([Outgoing(stored.subject, headers, stored.data)]))[0]
    await bus.delete("dead", letter.sequence)
    return published


def with_done(bus: Bus, incoming: Incoming, done: str) -> dict[str, str]:
    """Return the headers of a message with what was done of it, where the broker takes both.

    Args:
        bus: The bus.
        incoming: The message, which may bring what was done before it was sent again.
        done: What is known now; ``""`` for nothing more.
    """
    headers = {name: value for name, value in incoming.headers.items() if name != DONE}
    done = done or incoming.headers.get(DONE, "")
    if done and len(incoming.data) + len(done) + _HEADROOM <= bus.max_payload:
        headers[DONE] = done
    return headers


def redrive_subject(bus: Bus, route: str) -> str:
    """Return the subject on which a route, and no other one, takes a message again."""
    return f"{bus.subjects.mesh}.in.redrive.{route}"


def _read(stored: Stored) -> DeadLetter:
    ours = {k: decode(v) for k, v in stored.headers.items() if k.startswith(_OURS)}
    kind: Kind = msgspec.convert(ours.get("crossdock-kind", "source"), Kind)
    return DeadLetter(
        sequence=stored.sequence,
        time=stored.time,
        cause=Cause(
            kind=kind,
            where=ours.get("crossdock-where", ""),
            reason=ours.get("crossdock-reason", ""),
            problems=msgspec.json.decode(
                ours.get("crossdock-problems") or "[]", type=tuple[Problem, ...]
            ),
            attempts=int(ours.get("crossdock-attempts") or 0),
            place=ours.get("crossdock-place", ""),
            contract=ours.get("crossdock-contract", ""),
            instruction=ours.get("crossdock-instruction", ""),
            revision=ours.get("crossdock-revision", ""),
        ),
        subject=ours.get("crossdock-subject", ""),
        headers={k: v for k, v in stored.headers.items() if not _is_ours(k)},
        data=stored.data,
        patch=ours.get("crossdock-patch", ""),
        redrives=int(ours.get("crossdock-redrives") or 0),
        first=ours.get("crossdock-first", ""),
        done=stored.headers.get(DONE, ""),
    )


def _is_ours(name: str) -> bool:
    return name.startswith((_OURS, "Nats-")) and name not in _OF_MESSAGE
