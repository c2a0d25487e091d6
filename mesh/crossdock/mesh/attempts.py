"""How often a message was begun: durable, because a message may end the process that tries it.

Only for messages that came again without our having asked for it. They are tried one at a time, and
each is noted before it is tried, so the one that ends the process is known after the restart.
"""

from __future__ import annotations

from nats.errors import Error as NatsError
from nats.js.api import KeyValueConfig
from nats.js.errors import KeyNotFoundError, NotFoundError
from nats.js.kv import KeyValue

from crossdock.contracts import Disconnected
from crossdock.mesh.bus import Bus

_KEPT = 86400.0
_MAX_BYTES = 64 * 1024 * 1024


class Attempts:
    """The counts of one component, shared by all its replicas."""

    def __init__(self, bus: Bus, component: str) -> None:
        self._bus = bus
        self._component = component
        self._bucket: KeyValue | None = None

    async def count(self, sequence: int) -> int:
        """Return how often a message was begun and not ended.

        Raises:
            Disconnected: The broker does not answer.
        """
        try:
            entry = await (await self._open()).get(self._key(sequence))
        except (KeyNotFoundError, NotFoundError):
            return 0
        except NatsError as error:
            raise _away(error) from error
        return int(entry.value or b"0")

    async def note(self, sequence: int, count: int) -> None:
        """Write down that a message was begun so often; 0 forgets it.

        Raises:
            Disconnected: The broker does not answer.
        """
        try:
            bucket = await self._open()
            if count:
                await bucket.put(self._key(sequence), str(count).encode())
            else:
                await bucket.purge(self._key(sequence))
        except NatsError as error:
            raise _away(error) from error

    def _key(self, sequence: int) -> str:
        return f"{self._component}.{sequence}"

    async def _open(self) -> KeyValue:
        if self._bucket is None:
            config = KeyValueConfig(
                bucket=f"{self._bus.subjects.mesh}-attempts", ttl=_KEPT, max_bytes=_MAX_BYTES
            )
            jetstream = self._bus.jetstream
            try:
                self._bucket = await jetstream.key_value(config.bucket)
            except NotFoundError:
                self._bucket = await jetstream.create_key_value(config)
        return self._bucket


def _away(error: NatsError) -> Disconnected:
    return Disconnected(f"attempts cannot be counted: {type(error).__name__}")
