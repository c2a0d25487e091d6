"""Sending dead letters again, to the step that failed.

A message that is sent again has a new id, that of what it takes the place of as its cause, and its
origin: so whoever has had the effect of the first knows the second one, too (I4). Its id hangs on
the dead letter alone: a redrive that was interrupted, or that two people began, sends it once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from crossdock.contracts import Contract, Message, Reject, keyed_id, near_id
from crossdock.mesh import records
from crossdock.mesh.bus import Bus, Outgoing
from crossdock.mesh.dead_letters import DONE, DeadLetter, redrive_subject

MOST_REDRIVES: Final = 3
"""How often a message is sent again before it has to be asked for (loop guard)."""
AUDIT: Final[records.Command] = "redrive"
"""What audit records of this are called."""


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter and the message that goes in its place.

    Attributes:
        letter: The dead letter.
        subject: Where the message goes.
        message: The message.
    """

    letter: DeadLetter
    subject: str
    message: Message

    def __repr__(self) -> str:  # I6
        return f"Again({self.letter!r})"


def again(bus: Bus, letter: DeadLetter, data: bytes) -> Again:
    """Return what to send in the place of a dead letter that was a canonical message.

    Args:
        bus: The bus.
        letter: The dead letter.
        data: Its data, repaired or not; none where it is to refer to what is kept apart.

    Raises:
        Reject: It never was a canonical message: repair it at its source, or send its data.
    """
    try:
        message = Message.from_headers(letter.headers, data)
    except ValueError as error:
        raise Reject(
            f"{letter.cause.where} refused it before it became a message: correct it in its "
            "system, or give the data that its contract wants with --data"
        ) from error
    links = {"causationid": message.id, "correlationid": message.correlation}
    made = msgspec.structs.replace(
        message,
        id=near_id(message.id, "redrive", letter.key),
        extensions=message.extensions | links,
        origin=" ".join(message.identity),
        dataref="" if data else message.dataref,  # other data than what is kept apart
    )
    if letter.cause.kind == "route":
        return Again(letter=letter, subject=redrive_subject(bus, letter.cause.where), message=made)
    return Again(letter=letter, subject=letter.subject, message=made)


def readmitted(bus: Bus, letter: DeadLetter, contract: Contract, data: bytes) -> Again:
    """Return the message that lets in the repaired data of what a source had refused.

    Args:
        bus: The bus.
        letter: What the source refused.
        contract: What it wanted to publish.
        data: The data as the contract wants it; no map of the worker is applied.
    """
    where = letter.cause.where
    message_id = keyed_id("readmit", where, letter.key)
    message = Message(
        id=message_id,
        source=f"/{bus.subjects.mesh}/{where}",
        type=contract.name,
        dataschema=contract.dataschema,
        data=data,
        time=letter.time,
        extensions={"correlationid": message_id},
    )
    return Again(letter=letter, subject=bus.subjects.incoming(contract.name), message=message)


def guard(letter: DeadLetter) -> None:
    """Let through what may be sent again.

    Raises:
        Reject: It was sent again too often, and came back each time.
    """
    if letter.redrives >= MOST_REDRIVES:
        raise Reject(
            f"was sent again {letter.redrives} times and came back each time: remove the cause or "
            "repair it, then send it with --again"
        )


async def redrive(bus: Bus, chosen: Sequence[Again], *, by: str, reason: str) -> None:
    """Send messages in the place of dead letters; each letter is removed after the PubAck.

    First the audit record, then the messages, then the letters: what was interrupted is done again
    with the same ids.

    Args:
        bus: The bus.
        chosen: What to send, at most 1,000.
        by: Who does it.
        reason: Why, in their words.

    Raises:
        CrossdockError: When they could not be stored; the dead letters are kept then.
    """
    if not chosen:
        return
    entries = [_entry(each) for each in chosen]
    await records.audit(bus, AUDIT, entries, by=by, reason=reason)
    by_stream: dict[str, list[Outgoing]] = {}
    for each in chosen:
        by_stream.setdefault(each.subject.split(".", 2)[1], []).append(_outgoing(each))
    for items in by_stream.values():
        await bus.store(items)
    # Its bytes are in the message that was sent: nothing to erase.
    numbers = [each.letter.sequence for each in chosen]
    await asyncio.gather(*(bus.delete("dead", each, erase=False) for each in numbers))


def _entry(chosen: Again) -> records.Entry:
    letter = chosen.letter
    return records.Entry(
        letter.message_id,
        0,
        "redriven",
        letter.cause.reason,
        ((letter.cause.where, chosen.message.id),),
        letter.cause.attempts,
        letter.sequence,
    )


def _outgoing(chosen: Again) -> Outgoing:
    message = chosen.message
    headers = message.headers()
    if chosen.letter.done:  # of a route: it goes on from the step that failed (I3)
        headers[DONE] = chosen.letter.done
    headers["Nats-Msg-Id"] = keyed_id(message.source, message.id)
    headers["crossdock-redrives"] = str(chosen.letter.redrives + 1)
    return Outgoing(chosen.subject, headers, message.data)
