"""Small things that a mesh remembers, by key: a bucket that is made when it is first written."""

from __future__ import annotations

from nats.errors import Error as NatsError

from crossdock.contracts import Disconnected
from crossdock.mesh.bus import BucketLimits, Bus


class Kept:
    """One bucket of a mesh, with as many copies as its messages have."""

    def __init__(self, bus: Bus, name: str, *, max_bytes: int) -> None:
        """Name it.

        Args:
            bus: The bus.
            name: Of the bucket, within the mesh.
            max_bytes: Of all values; when full, putting fails (I8).
        """
        self._bus = bus
        self._bucket = bus.bucket(name)
        self._max_bytes = max_bytes
        self._made = False

    async def get(self, key: str) -> bytes | None:
        """Return a value, None when there is none.

        Raises:
            Disconnected: The broker does not answer.
        """
        found = await self._bucket.last(key)
        return None if found is None else found.data

    async def put(self, key: str, value: bytes) -> None:
        """Keep a value.

        Raises:
            CrossdockError: It could not be kept: the broker does not answer, or there is no room.
        """
        if not self._made:
            limits = BucketLimits(replicas=await copies(self._bus), max_bytes=self._max_bytes)
            await self._bucket.ensure(limits)
            self._made = True
        await self._bucket.put(key, value)


async def copies(bus: Bus) -> int:
    """Return how many copies of its messages a mesh keeps.

    Raises:
        Disconnected: The broker does not answer.
    """
    stream = bus.subjects.stream("in")
    try:
        info = await bus.jetstream.stream_info(stream)
    except NatsError as error:
        raise Disconnected(f"stream {stream} cannot be read: {type(error).__name__}") from error
    return info.config.num_replicas or 1
