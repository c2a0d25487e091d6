"""Asks questions over the mesh for real: a message, and the reply to it, waited for in bounds."""

from __future__ import annotations

import asyncio

from crossdock.contracts import CrossdockError, Disconnected, Message, Reject, Retry
from crossdock.contracts.replying import REPLY_TO
from crossdock.mesh.bus import Bus
from crossdock.mesh.conversation import is_over
from crossdock.mesh.replies import Failure, Outcome, find_reply, wait_for_reply
from crossdock.router.calls.answers import read_answer
from crossdock.router.effects import Answer, Ask


async def ask_mesh(bus: Bus, ask: Ask) -> Answer:
    """Return the reply to a question, or the instruction that it failed with.

    Only what is stored counts: the question is stored before it is waited for, and the reply at its
    address. So a wait that ends too early, or with this process, loses nothing; the message that
    asks comes again, and finds the reply.
    """
    message = ask.message
    address = message.extensions[REPLY_TO]

    async def over() -> bool:
        return await is_over(bus, message.id, sequence)

    sequence: int | None = None
    try:
        found = await find_reply(bus, address, _never)  # asked before, and answered since
        if found is None:
            published = await bus.publish(bus.subjects.incoming(message.type), message)
            sequence = published.sequence
            async with asyncio.timeout(ask.timeout):
                found = await wait_for_reply(bus, address, asyncio.Event(), over)
        return _read(ask, found)
    except TimeoutError:
        return Retry(f"{ask.step}: no reply to {ask.client} within {ask.timeout:g} s")
    except Retry as error:  # no room for the question: no fault of the message (I8)
        return Disconnected(error.reason)
    except CrossdockError as error:
        return error


async def _never() -> bool:
    return False


def _read(ask: Ask, found: Outcome) -> Answer:
    """Return the data of a reply.

    Raises:
        Reject: There can be none, or it is not what was asked for.
    """
    if isinstance(found, Failure):
        raise Reject(f"{ask.step}: what it asked became a dead letter: {found.reason}")
    assert isinstance(found, Message)  # noqa: S101 - narrows a type: nobody stops the waiting
    if found.type != ask.answers.name:
        raise Reject(f"{ask.step}: the reply is not of {ask.answers.name}")
    return read_answer(found.data, ask.answers, ask.client)
