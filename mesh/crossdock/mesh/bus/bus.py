"""The bus: publishing with PubAck and pulling, on one connection that never gives up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Self

from faststream.nats import NatsBroker
from nats.errors import Error as NatsError

from crossdock.contracts import Disconnected, Message, Subjects, keyed_id
from crossdock.contracts.subjects import kind_of
from crossdock.mesh.bus.bucket import Bucket
from crossdock.mesh.bus.claim_checks import ClaimChecks
from crossdock.mesh.bus.committing import MAX_BATCH, Committer, Outgoing, Published
from crossdock.mesh.bus.connection_events import ConnectionEvents
from crossdock.mesh.bus.consumer_spec import ConsumerSpec
from crossdock.mesh.bus.consumers import ConsumerState, list_consumers
from crossdock.mesh.bus.data_store import DataStore
from crossdock.mesh.bus.extent import Extent, extent_of
from crossdock.mesh.bus.fast_client import speed_up
from crossdock.mesh.bus.latest import read_each, read_newest
from crossdock.mesh.bus.pinning import PinnedPuller
from crossdock.mesh.bus.pulling import Puller
from crossdock.mesh.bus.reading import Stored, count_from, read_one, read_stream
from crossdock.mesh.bus.removing import remove_one
from crossdock.mesh.bus.rounds import Rounds
from crossdock.mesh.bus.swapping import Swap, Swapper

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

    from crossdock.mesh.telemetry import BusMetrics

_RECONNECT_WAIT = 0.25
_SIGN_OF_LIFE = 3.0


class Bus:
    """One connection to the broker, for one mesh.

    Attributes:
        subjects: Subjects and stream names of the mesh.
        broker: FastStream's broker, whose connection this is.
        name: Of this connection, as the broker's monitoring shows it.
        claim_checks: Data that does not travel with its message.
        signs_of_life: Visits who holds messages, so that they say that they still do.
    """

    def __init__(
        self, broker: NatsBroker, client: Client, subjects: Subjects, events: ConnectionEvents
    ) -> None:
        self.broker = broker
        self.client = client
        self.subjects = subjects
        self.name = str(client.options["name"] or "")
        self.claim_checks = ClaimChecks(DataStore(client, subjects), self.max_payload)
        self.signs_of_life = Rounds(_SIGN_OF_LIFE)
        self._events = events
        self._metrics: BusMetrics | None = None
        self._committers: dict[str, Committer] = {}
        self._swappers: dict[str, Swapper] = {}

    @classmethod
    async def connect(cls, url: str, subjects: Subjects, *, name: str) -> Self:
        """Connect; from then on the connection is kept for ever.

        Args:
            url: ``nats://user:password@host:port``, several separated by commas.
            subjects: Of the mesh.
            name: Of the service, as the broker's monitoring shows it.

        Raises:
            Disconnected: No server answers, or it refuses the credentials.
        """
        events = ConnectionEvents()
        broker = NatsBroker(
            url.split(","),
            name=name,
            logger=None,  # FastStream's own handler would bypass ours
            max_reconnect_attempts=-1,  # the client's default gives up after 60
            reconnect_time_wait=_RECONNECT_WAIT,  # type: ignore[arg-type] # nats-py takes a float
            connect_timeout=2,
            ping_interval=2,
            max_outstanding_pings=2,  # a frozen server is left after about six seconds
            error_cb=events.on_error,
            disconnected_cb=events.on_disconnected,
            reconnected_cb=events.on_reconnected,
        )
        try:
            async with asyncio.timeout(10):
                client = await broker.connect()
        except (NatsError, OSError, TimeoutError) as error:
            raise Disconnected(
                f"cannot connect to the broker ({type(error).__name__}): is it running, and are "
                "address and credentials right?"
            ) from error
        speed_up(client)
        return cls(broker, client, subjects, events)

    @property
    def connected(self) -> bool:
        """Whether the broker can be reached now."""
        return bool(self.client.is_connected)

    @property
    def max_payload(self) -> int:
        """Bytes that the broker takes as one message, headers included."""
        return int(self.client.max_payload)

    @property
    def jetstream(self) -> JetStreamContext:
        """nats-py's own JetStream context, for asset management within the mesh package."""
        return self.client.jetstream(timeout=5)

    async def publish(self, subject: str, message: Message) -> Published:
        """Store one message and return its PubAck (I1).

        Raises:
            Disconnected: The broker is away, or it is unknown whether it stored the message.
            Retry: The stream is full.
            Reject: The message can never be stored.
        """
        item = _outgoing(subject, message)
        if len(item.data) > self.claim_checks.above or message.dataref:
            return (await self.store([item]))[0]
        return (await self._committer(subject).store([item]))[0]

    async def publish_many(
        self, messages: Sequence[tuple[str, Message]], *, in_order: bool = False
    ) -> list[Published]:
        """Store messages in order, of one kind of subject; up to 1,000 appear together.

        Args:
            messages: Each with its subject.
            in_order: None is stored unless those before it are, also when they cannot be stored
                together (I7).

        Raises:
            Disconnected: As in :meth:`publish`; it speaks for all.
            Retry: The stream is full.
            Reject: One of them can never be stored.
        """
        items = [_outgoing(subject, each) for subject, each in messages]
        return await self.store(items, in_order=in_order)

    async def store(self, items: Sequence[Outgoing], *, in_order: bool = False) -> list[Published]:
        """Store what is ready as it is; see :meth:`publish_many`."""
        if not items:
            return []
        kind = kind_of(items[0].subject)
        if self.claim_checks.concern(kind, items):
            small = partial(self._store, in_order=in_order)
            return await self.claim_checks.publish(kind, items, small)
        return await self._store(items, in_order=in_order)

    async def _store(self, items: Sequence[Outgoing], *, in_order: bool) -> list[Published]:
        committer = self._committer(items[0].subject)
        if len(items) <= MAX_BATCH:
            return await committer.store(items, in_order=in_order)
        parts = [items[start : start + MAX_BATCH] for start in range(0, len(items), MAX_BATCH)]
        if in_order:
            stored = [await committer.store(part, in_order=True) for part in parts]
        else:
            stored = await asyncio.gather(*(committer.store(part) for part in parts))
        return [each for part in stored for each in part]

    def show(self, metrics: BusMetrics) -> None:
        """Count into these metrics from now on."""
        self._metrics = metrics
        metrics.connected.set_function(lambda: float(self.connected))
        self._events.metrics = metrics
        for committer in self._committers.values():
            committer.metrics = metrics

    def puller(self, spec: ConsumerSpec, *, prefetch: int = 500) -> Puller:
        """Return a puller on a durable consumer, not yet started.

        Args:
            spec: The consumer.
            prefetch: Most messages that one request asks for; twice as many may be held.
        """
        return Puller(self.client, self._events.pullers, spec, prefetch=prefetch)

    def pinned_puller(self, spec: ConsumerSpec, *, prefetch: int = 500) -> PinnedPuller:
        """Return a puller on a durable consumer that one client at a time works on."""
        return PinnedPuller(self.client, self._events.pullers, spec, prefetch=prefetch)

    def read(
        self, kind: str, *, subject: str = ">", sequence: int = 1, since: datetime | None = None
    ) -> AsyncIterator[Stored]:
        """Yield what a stream of the mesh holds, in order, from a sequence or a time to its end.

        Args:
            kind: ``in``, ``out``, ``dead`` or ``record``.
            subject: Filter, with wildcards.
            sequence: First sequence.
            since: First time, instead of a sequence.
        """
        stream = self.subjects.stream(kind)
        return read_stream(self.client, stream, subject=subject, sequence=sequence, since=since)

    async def read_one(self, kind: str, sequence: int) -> Stored | None:
        """Return one message of a stream of the mesh, or None when it is not there."""
        return await read_one(self.client, self.subjects.stream(kind), sequence)

    async def count(self, kind: str, subject: str, sequence: int = 1) -> int:
        """Return how many messages of a subject a stream of the mesh holds from a sequence on.

        Raises:
            Disconnected: The broker does not answer.
        """
        return await count_from(self.client, self.subjects.stream(kind), subject, sequence)

    async def read_each(self, kind: str, subjects: Sequence[str]) -> dict[str, Stored]:
        """Return the last message on each of some subjects of a stream; those that have one.

        Raises:
            Disconnected: The broker does not answer.
        """
        return await read_each(self.client, self.subjects.stream(kind), subjects)

    async def read_newest(self, kind: str, subject: str) -> Stored | None:
        """Return the last message on a subject, surely the newest, or None.

        Raises:
            Disconnected: The broker does not answer.
        """
        return await read_newest(self.client, self.subjects.stream(kind), subject)

    async def swap(self, kind: str, items: Sequence[Swap]) -> int | None:
        """Make conditional writes into a stream, all or none; see :meth:`Swapper.swap`."""
        swapper = self._swappers.get(kind)
        if swapper is None:
            swapper = self._swappers[kind] = Swapper(self.client, self.subjects.stream(kind))
        return await swapper.swap(items)

    async def size(self, kind: str) -> int:
        """Return the bytes that a stream of the mesh holds.

        Raises:
            Disconnected: The broker does not answer.
        """
        return (await self.extent(kind)).size

    async def extent(self, kind: str) -> Extent:
        """Return from where to where a stream of the mesh goes.

        Raises:
            Disconnected: The broker does not answer.
        """
        return await extent_of(self.client, self.subjects.stream(kind))

    async def consumers(self, kind: str) -> list[ConsumerState]:
        """Return all consumers of a stream of the mesh.

        Raises:
            Disconnected: The broker does not answer.
        """
        return await list_consumers(self.client, self.subjects.stream(kind))

    async def delete(self, kind: str, sequence: int, *, erase: bool = True) -> None:
        """Remove one message from a stream of the mesh; see :func:`remove_one`.

        Raises:
            Disconnected: The broker does not answer.
        """
        await remove_one(self.client, self.subjects.stream(kind), sequence, erase=erase)

    def bucket(self, name: str) -> Bucket:
        """Return a key-value bucket of the mesh; it need not be there yet."""
        return Bucket(self.client, f"{self.subjects.mesh}-{name}")

    async def close(self) -> None:
        """Flush and close. Safe twice."""
        for committer in self._committers.values():
            await committer.close()
        self._committers.clear()
        self._events.closing = True
        if not self.client.is_closed:
            try:
                await self.broker.stop()
            except (NatsError, TimeoutError):
                await self.client.close()

    def _committer(self, subject: str) -> Committer:
        kind = kind_of(subject)
        committer = self._committers.get(kind)
        if committer is None:
            committer = Committer(self.client, self.subjects.stream(kind))
            committer.metrics = self._metrics
            self._committers[kind] = committer
        return committer


def _outgoing(subject: str, message: Message) -> Outgoing:
    headers = message.headers()
    headers["Nats-Msg-Id"] = keyed_id(message.source, message.id)
    return Outgoing(subject, headers, message.data)
