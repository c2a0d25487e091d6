"""Taking what waits for a durable consumer in the place of its component, and ending it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Final

import msgspec
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NothingNow

from crossdock.contracts import Disconnected
from crossdock.mesh.bus.incoming import Incoming

if TYPE_CHECKING:
    from nats.aio.client import Client

_BATCH: Final = 500
_WAIT: Final = 2.0
_TIMEOUT: Final = 10.0
_NOT_FOUND: Final = 404


async def take_waiting(
    client: Client, stream: str, consumer: str
) -> AsyncGenerator[list[Incoming]]:
    """Yield what waits for a consumer, until nothing comes; whoever takes it settles it.

    What was given to others and is not settled comes only when it is due again.

    Raises:
        Disconnected: The broker does not answer.
    """
    try:
        waiting = await client.jetstream().pull_subscribe_bind(consumer=consumer, stream=stream)
        try:
            while True:
                yield [Incoming(each) for each in await waiting.fetch(_BATCH, timeout=_WAIT)]
        except NothingNow:
            return
        finally:
            await waiting.unsubscribe()
    except NatsError as error:
        raise Disconnected(f"consumer {consumer}: {type(error).__name__}") from error


async def remove_consumer(client: Client, stream: str, consumer: str) -> None:
    """Remove a durable consumer; one that is not there is removed already.

    Raises:
        Disconnected: The broker does not answer, or refuses.
    """
    subject = f"$JS.API.CONSUMER.DELETE.{stream}.{consumer}"
    try:
        answer = msgspec.json.decode((await client.request(subject, b"", timeout=_TIMEOUT)).data)
    except (NatsError, msgspec.DecodeError) as error:
        raise Disconnected(f"consumer {consumer}: {type(error).__name__}") from error
    if answer.get("error", {}).get("code", _NOT_FOUND) != _NOT_FOUND:
        raise Disconnected(f"consumer {consumer} is not removed: the broker refuses")


async def purge_subject(
    client: Client, stream: str, subject: str, before: int | None = None
) -> None:
    """Remove the messages of a subject from a stream: all, or those before a sequence.

    Raises:
        Disconnected: The broker does not answer.
    """
    try:
        await client.jetstream().purge_stream(stream, seq=before, subject=subject)
    except NatsError as error:
        raise Disconnected(f"stream {stream}: {type(error).__name__}") from error
