"""Hearing that something is published on a subject: a hint to look into the stream, and no more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from nats.errors import Error as NatsError

from crossdock.contracts import Disconnected

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg


@asynccontextmanager
async def hearing(client: Client, subject: str) -> AsyncIterator[asyncio.Event]:
    """Give an event that is set whenever something is published on a subject.

    What is heard need not be stored yet, and while the connection is away nothing is heard: so
    whoever waits has to look by themselves, too, now and then.

    Raises:
        Disconnected: The connection is closed.
    """
    heard = asyncio.Event()

    async def hear(_: Msg) -> None:
        heard.set()

    try:
        subscription = await client.subscribe(subject, cb=hear)
    except NatsError as error:
        raise Disconnected(f"nothing can be heard: {type(error).__name__}") from error
    try:
        yield heard
    finally:
        with contextlib.suppress(NatsError):
            await subscription.unsubscribe()
