"""Group commit: what is ready is stored as one atomic batch, with one fsync instead of one each.

JetStream's atomic batch publish (ADR-50 of the server): the messages of a batch carry
``Nats-Batch-Id`` and ``Nats-Batch-Sequence``, the last one ``Nats-Batch-Commit``, and only the last
is answered. A batch holds at most 1,000 messages and fails as a whole when one of them fails or has
been stored before; then each is published on its own, with the same id, so that the stream's
deduplication decides (I4).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError, NoRespondersError
from nats.errors import TimeoutError as NatsTimeoutError

from crossdock.contracts import CrossdockError, Disconnected, Reject, Retry

if TYPE_CHECKING:
    from crossdock.mesh.telemetry import BusMetrics

_log = logging.getLogger("crossdock.bus")

MAX_BATCH = 1000  # the server's bound
MAX_BATCH_BYTES = 8 * 1024 * 1024
_ANSWER_TIMEOUT = 3.0  # what is sent while a cluster elects a leader is never answered
_TRIES = 3
_PIPELINE = 128

# Error codes of the server's JetStream API that say which instruction an error is.
_TOO_LARGE = frozenset({10054})  # message size exceeds maximum allowed
_FULL = frozenset({10077, 10047, 10122, 10023})  # stream, account or disk has no room


class Outgoing(NamedTuple):
    """One message on its way to a stream."""

    subject: str
    headers: dict[str, str]
    data: bytes


class Published(msgspec.Struct, frozen=True):
    """A message is stored (PubAck).

    Attributes:
        stream: Name of the stream.
        sequence: Its sequence there.
        duplicate: It had been stored before, under the same id.
    """

    stream: str
    sequence: int
    duplicate: bool = False


class AckError(msgspec.Struct):
    """Why the server did not store."""

    code: int = 0
    err_code: int = 0
    description: str = ""


class Ack(msgspec.Struct):
    """What the server answers to a publish."""

    stream: str = ""
    seq: int = 0
    duplicate: bool = False
    count: int = 0
    error: AckError | None = None


class _Group(NamedTuple):
    """Messages that one caller wants stored together."""

    items: Sequence[Outgoing]
    size: int
    stored: asyncio.Future[list[Published]]
    in_order: bool


class Committer:
    """Stores messages in one stream, in the order in which they were submitted.

    Groups that arrive while a batch is being written are written together as the next one, so the
    busier the stream is, the fewer fsyncs a message costs.
    """

    def __init__(self, client: Client, stream: str) -> None:
        self._client = client
        self._stream = stream
        self._waiting: deque[_Group] = deque()
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._batches = 0
        self.metrics: BusMetrics | None = None
        self.commits = 0
        self.fallbacks = 0

    async def store(self, items: Sequence[Outgoing], *, in_order: bool = False) -> list[Published]:
        """Store up to 1,000 messages, together or not at all where the server can.

        Args:
            items: The messages.
            in_order: Where the server cannot, none is stored unless those before it are (I7).

        Raises:
            Disconnected: The broker is away or did not answer; what was stored is not known.
            Retry: The stream is full.
            Reject: A message can never be stored.
        """
        if not self._client.is_connected:
            raise Disconnected("the broker is not connected")
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name=f"commit {self._stream}")
        stored: asyncio.Future[list[Published]] = asyncio.get_running_loop().create_future()
        size = sum(len(item.data) for item in items)
        self._waiting.append(_Group(items, size, stored, in_order))
        self._arrived.set()
        return await stored

    async def close(self) -> None:
        """Stop; what still waits fails as Disconnected."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._fail(list(self._waiting), Disconnected("the connection was closed"))
        self._waiting.clear()

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            await asyncio.sleep(0)  # let everything that is ready in this turn come along
            while groups := self._take():
                await self._write(groups)

    def _take(self) -> list[_Group]:
        groups: list[_Group] = []
        count = size = 0
        while self._waiting:
            group = self._waiting[0]
            count += len(group.items)
            size += group.size
            if groups and (count > MAX_BATCH or size > MAX_BATCH_BYTES):
                break
            self._waiting.popleft()
            if not group.stored.cancelled():
                groups.append(group)
        return groups

    async def _write(self, groups: list[_Group]) -> None:
        start = time.perf_counter()
        items = [item for group in groups for item in group.items]
        try:
            stored = await self._commit(items, 1 if any(g.in_order for g in groups) else _PIPELINE)
        except asyncio.CancelledError:
            self._fail(groups, Disconnected("the connection was closed"))
            raise
        except CrossdockError as error:
            if len(groups) > 1:  # one caller's bad message is not another's
                for group in groups:
                    await self._write([group])
            else:
                self._fail(groups, error)
                if self.metrics is not None:
                    self.metrics.failed.inc(type(error).__name__, len(items))
            return
        self._answer(groups, stored)
        if self.metrics is not None:
            self.metrics.seconds.observe(time.perf_counter() - start)
            self.metrics.batch.observe(len(items))
            self.metrics.duplicates.inc(sum(1 for each in stored if each.duplicate))

    @staticmethod
    def _answer(groups: list[_Group], stored: list[Published]) -> None:
        start = 0
        for group in groups:
            end = start + len(group.items)
            if not group.stored.done():
                group.stored.set_result(stored[start:end])
            start = end

    @staticmethod
    def _fail(groups: list[_Group], error: CrossdockError) -> None:
        for group in groups:
            if not group.stored.done():
                group.stored.set_exception(error)

    async def _commit(self, items: list[Outgoing], pipeline: int) -> list[Published]:
        if len(items) == 1:
            return [await self._publish(items[0])]
        stored = await self._commit_batch(items)
        if stored is not None:
            self.commits += 1
            return stored
        self.fallbacks += 1
        return await self._publish_each(items, pipeline)

    async def _commit_batch(self, items: list[Outgoing]) -> list[Published] | None:
        """Write a batch; None when it failed or its fate is unknown."""
        self._batches += 1
        batch = f"{self._client.client_id}-{id(self):x}-{self._batches}"
        last = len(items)
        try:
            for number, item in enumerate(items, 1):
                headers = item.headers
                headers["Nats-Batch-Id"] = batch
                headers["Nats-Batch-Sequence"] = str(number)
                if number < last:
                    await self._client.publish(item.subject, item.data, headers=headers)
                    continue
                headers["Nats-Batch-Commit"] = "1"
                answer = await self._client.request(
                    item.subject, item.data, timeout=_ANSWER_TIMEOUT, headers=headers
                )
            ack = msgspec.json.decode(answer.data, type=Ack)
        except (NatsError, msgspec.DecodeError) as error:
            _log.info("batch not confirmed", extra={"stream": self._stream, "why": _kind(error)})
            return None
        finally:
            for item in items:
                for name in ("Nats-Batch-Id", "Nats-Batch-Sequence", "Nats-Batch-Commit"):
                    item.headers.pop(name, None)
        if ack.error is not None or ack.count != last:
            return None
        first = ack.seq - last
        return [Published(ack.stream, first + number) for number in range(1, last + 1)]

    async def _publish_each(self, items: list[Outgoing], pipeline: int) -> list[Published]:
        stored: list[Published] = []
        for start in range(0, len(items), pipeline):
            part = items[start : start + pipeline]
            results = await asyncio.gather(
                *(self._publish(item) for item in part), return_exceptions=True
            )
            for result in results:
                if isinstance(result, BaseException):
                    raise result
                stored.append(result)
        return stored

    async def _publish(self, item: Outgoing) -> Published:
        """Publish one message; one that was not answered is unknown, so again with the same id."""
        for _ in range(_TRIES):
            try:
                answer = await self._client.request(
                    item.subject, item.data, timeout=_ANSWER_TIMEOUT, headers=item.headers
                )
                ack = msgspec.json.decode(answer.data, type=Ack)
            except MaxPayloadError as error:
                raise Reject("the message is larger than the broker accepts") from error
            except (NoRespondersError, NatsTimeoutError):
                if not self._client.is_connected:
                    break
                await asyncio.sleep(0.1)
                continue
            except (NatsError, msgspec.DecodeError) as error:
                raise Disconnected(
                    f"the broker did not take the message: {_kind(error)}"
                ) from error
            if ack.error is None:
                return Published(ack.stream, ack.seq, ack.duplicate)
            raise instruction(self._stream, ack.error)
        raise Disconnected(f"stream {self._stream} does not answer; whether it stored is unknown")


def instruction(stream: str, error: AckError) -> CrossdockError:
    """Return what an error of the server means for the runtime."""
    if error.err_code in _FULL:
        return Retry(f"stream {stream} is full ({error.err_code})", after=5.0)
    if error.err_code in _TOO_LARGE:
        return Reject(f"the message is larger than stream {stream} accepts")
    return Retry(f"stream {stream} refused the message ({error.err_code})")


def _kind(error: BaseException) -> str:
    return type(error).__name__
