"""Questions to every process of a mesh at once: answered by those that are there, kept nowhere."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Final

from nats.errors import Error as NatsError

from crossdock.contracts import Disconnected

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

_log = logging.getLogger("crossdock.bus")
_MOST: Final = 10_000


async def ask_all(
    client: Client, subject: str, enough: Callable[[bytes], bool], wait: float
) -> list[bytes]:
    """Return the answers that come until they are enough or the time is up.

    Args:
        client: Connected.
        subject: Where those who answer listen.
        enough: Told each answer; returns whether no other is expected.
        wait: Seconds.

    Raises:
        Disconnected: The broker is away.
    """
    found: list[bytes] = []
    done = asyncio.Event()

    async def take(msg: Msg) -> None:
        if (msg.headers or {}).get("Status"):  # 503: nobody listens
            done.set()
        elif len(found) < _MOST:  # I8
            found.append(msg.data)
            if enough(msg.data):
                done.set()

    inbox = client.new_inbox()
    try:
        subscription = await client.subscribe(inbox, cb=take)
        try:
            await client.publish(subject, b"", reply=inbox)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), wait)
        finally:
            await subscription.unsubscribe()
    except NatsError as error:
        raise Disconnected(f"nobody can be asked: {type(error).__name__}") from error
    return found


@contextlib.asynccontextmanager
async def answering(
    client: Client, subject: str, answer: Callable[[], bytes]
) -> AsyncIterator[None]:
    """Answer questions on a subject for as long as the context lasts; survives reconnections.

    Raises:
        Disconnected: The broker is away.
    """

    async def reply(msg: Msg) -> None:
        try:
            await client.publish(msg.reply, answer())
        except NatsError as error:
            _log.warning("question not answered", extra={"why": type(error).__name__})

    try:
        subscription = await client.subscribe(subject, cb=reply)
    except NatsError as error:
        raise Disconnected(f"cannot listen: {type(error).__name__}") from error
    try:
        yield
    finally:
        with contextlib.suppress(NatsError):
            await subscription.unsubscribe()
