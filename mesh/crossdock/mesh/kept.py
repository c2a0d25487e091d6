"""Small things that a mesh remembers, by key: a JetStream key-value bucket."""

from __future__ import annotations

from nats.errors import Error as NatsError
from nats.js.api import KeyValueConfig
from nats.js.errors import KeyNotFoundError, NotFoundError
from nats.js.kv import KeyValue

from crossdock.contracts import Disconnected
from crossdock.mesh.bus import Bus


class Kept:
    """One bucket, made when it is first used."""

    def __init__(self, bus: Bus, name: str, *, max_bytes: int, max_value: int) -> None:
        """Name it.

        Args:
            bus: The bus.
            name: Of the bucket, within the mesh.
            max_bytes: Of all values; when full, putting fails (I8).
            max_value: Bytes of one value.
        """
        self._bus = bus
        self._config = KeyValueConfig(
            bucket=f"{bus.subjects.mesh}-{name}", max_bytes=max_bytes, max_value_size=max_value
        )
        self._bucket: KeyValue | None = None

    async def get(self, key: str) -> bytes | None:
        """Return a value, None when there is none.

        Raises:
            Disconnected: The broker does not answer.
        """
        try:
            return (await (await self._open()).get(key)).value
        except (KeyNotFoundError, NotFoundError):
            return None
        except NatsError as error:
            raise self._away(error) from error

    async def put(self, key: str, value: bytes) -> None:
        """Keep a value.

        Raises:
            Disconnected: The broker does not answer, or the bucket is full.
        """
        try:
            await (await self._open()).put(key, value)
        except NatsError as error:
            raise self._away(error) from error

    async def _open(self) -> KeyValue:
        if self._bucket is None:
            jetstream = self._bus.jetstream
            try:
                self._bucket = await jetstream.key_value(self._config.bucket)
            except NotFoundError:
                self._bucket = await jetstream.create_key_value(self._config)
        return self._bucket

    def _away(self, error: NatsError) -> Disconnected:
        return Disconnected(f"bucket {self._config.bucket}: {type(error).__name__}")
