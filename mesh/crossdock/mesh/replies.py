"""Replies: stored at the return address of their request, for whoever waits there or comes later.

The ``reply`` stream keeps each for a time (``broker.replies``). Of several replies to one request
the first counts. Where a request became a dead letter there is a notice at its address; a reply
that is there all the same, because the dead letter was redriven, counts before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import msgspec

from crossdock.contracts import CrossdockError, Disconnected, Message, keyed_id
from crossdock.contracts.message import decode
from crossdock.contracts.replying import REPLY_TO, waiting_at
from crossdock.mesh.bus import Bus, Incoming
from crossdock.mesh.bus.hearing import hearing

_log = logging.getLogger("crossdock.replies")

FAILURE_TYPE: Final = "crossdock.reply.failed"
_MOST_TEXT: Final = 1000
_SOONEST: Final = 0.01
_LATEST: Final = 1.0


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """What is told at the address of a request that became a dead letter.

    Attributes:
        where: The component that made the dead letter.
        reason: Why, for a person; no payload (I6).
    """

    where: str
    reason: str


Outcome: TypeAlias = Message | Failure | None
IsOver: TypeAlias = Callable[[], Awaitable[bool]]


async def tell_failure(bus: Bus, incoming: Incoming, where: str, reason: str) -> None:
    """Tell whoever waits for a reply that the message became a dead letter; else do nothing.

    Where the notice cannot be stored it is left: the dead letter is what counts, and who waits
    learns nothing worse than that there is no reply yet.

    Args:
        bus: The bus.
        incoming: The message; its dead letter is stored.
        where: The component.
        reason: Why.
    """
    address = waiting_at(decode(incoming.headers.get(f"ce-{REPLY_TO}", "")))
    if address is None:
        return
    notice = Message(
        id=keyed_id(where, incoming.subject, str(incoming.sequence)),
        source=f"/{bus.subjects.mesh}/{where}",
        type=FAILURE_TYPE,
        data=msgspec.json.encode(Failure(where=where, reason=reason[:_MOST_TEXT])),
    )
    try:
        await bus.publish(bus.subjects.reply(address), notice)
    except CrossdockError as error:
        _log.warning("failure not told", extra={"component": where, "why": error.reason})


async def find_reply(bus: Bus, address: str, is_over: IsOver) -> Outcome:
    """Return the reply at a return address, or why there is none; None when neither is known yet.

    Args:
        bus: The bus.
        address: The return address.
        is_over: Tells, once there is a notice of a failure, whether nothing of the conversation is
            on its way any more: until then, another way of the request may still be answered.

    Raises:
        Disconnected: The broker does not answer.
    """
    found = await _first(bus, address)
    if not isinstance(found, Failure):
        return found
    # The reply may have come while we looked whether one still can.
    return await _first(bus, address) if await is_over() else None


async def _first(bus: Bus, address: str) -> Outcome:
    failure = None
    async for stored in bus.read("reply", subject=bus.subjects.reply(address)):
        message = Message.from_headers(stored.headers, stored.data)
        if message.type != FAILURE_TYPE:
            return message
        failure = msgspec.json.decode(stored.data, type=Failure)
    return failure


async def wait_for_reply(
    bus: Bus,
    address: str,
    stop: asyncio.Event,
    is_over: IsOver,
) -> Outcome:
    """Wait for the reply at a return address.

    The caller bounds the time. While the broker is away there is nothing yet.

    Args:
        bus: The bus.
        address: The return address.
        stop: Set it to end the waiting; what is there then is returned.
        is_over: See :func:`find_reply`.

    Returns:
        The reply, or why there is none; None when told to stop.

    Raises:
        Disconnected: The connection is closed.
    """
    pause = _SOONEST
    async with hearing(bus.client, bus.subjects.reply(address)) as heard:
        while True:
            with contextlib.suppress(Disconnected):
                found = await find_reply(bus, address, is_over)
                if found is not None:
                    return found
            if stop.is_set():
                return None
            was_heard = await _first_of(heard, stop, pause)
            heard.clear()
            # What is heard is stored a moment later.
            pause = _SOONEST if was_heard else min(pause * 2, _LATEST)


async def _first_of(heard: asyncio.Event, stop: asyncio.Event, seconds: float) -> bool:
    """Wait for a time, or until something is heard or to stop; tell whether it was."""
    waits = [asyncio.create_task(each.wait()) for each in (heard, stop)]
    try:
        done, _ = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()
    return waits[0] in done
