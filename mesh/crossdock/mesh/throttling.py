"""Throttler: one rate for all replicas of a component.

The replicas share one number: the time at which the next message may begin. Whoever takes messages
moves it on by what they are worth, with a conditional write, and waits for the time that it held
before (the generic cell rate algorithm). So a batch costs one write, and all replicas together keep
the rate, however many there are. Clocks that differ shift who waits, never the rate.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from nats.errors import Error as NatsError
from nats.js.api import KeyValueConfig, StorageType
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError, NotFoundError
from nats.js.kv import KeyValue

from crossdock.contracts import Disconnected
from crossdock.mesh.bus import Bus
from crossdock.mesh.project.scalars import Duration
from crossdock.mesh.project.settings import Throttle

_PARTS_A_SECOND: Final = 4
_MOST: Final = 500
_TRIES: Final = 50
_NANOSECONDS: Final = 1_000_000_000


def per_second(rate: float) -> Throttle:
    """Return so many messages a second, which may be less than one."""
    return Throttle(messages=1, per=Duration(1 / rate))


class Gate:
    """The rate of one component, shared by its replicas."""

    def __init__(
        self,
        bus: Bus,
        component: str,
        throttle: Throttle,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """Take nothing yet.

        Args:
            bus: The bus.
            component: Durable consumer whose rate it is.
            throttle: The rate.
            clock: Nanoseconds since 1970.
        """
        self._bus = bus
        self._component = component
        self._each = int(throttle.per * _NANOSECONDS / throttle.messages)
        self._clock = clock
        self._bucket: KeyValue | None = None
        rate = throttle.messages / throttle.per
        self.most = max(1, min(_MOST, int(rate / _PARTS_A_SECOND)))
        """Messages that may be taken at once."""

    async def take(self, count: int) -> float:
        """Take so many messages from the rate; return the seconds until they may begin.

        Raises:
            Disconnected: The broker does not answer.
        """
        try:
            bucket = await self._open()
            for _ in range(_TRIES):
                now = self._clock()
                following, revision = await self._read(bucket)
                begin = max(now, following)
                after = str(begin + count * self._each).encode()
                try:
                    await bucket.update(self._component, after, last=revision)
                except KeyWrongLastSequenceError:  # another replica was faster
                    continue
                return (begin - now) / _NANOSECONDS
        except NatsError as error:
            self._bucket = None  # it is in memory: when the broker began anew, it is made anew
            raise Disconnected(f"the throttle does not answer: {type(error).__name__}") from error
        raise Disconnected("too many replicas take from the throttle at once")

    async def _read(self, bucket: KeyValue) -> tuple[int, int]:
        try:
            entry = await bucket.get(self._component)
        except KeyNotFoundError:
            return 0, 0
        return int(entry.value or b"0"), entry.revision or 0

    async def _open(self) -> KeyValue:
        if self._bucket is None:
            # In memory: it is about the next moments only, and so costs no fsync.
            config = KeyValueConfig(
                bucket=f"{self._bus.subjects.mesh}-throttle", storage=StorageType.MEMORY
            )
            jetstream = self._bus.jetstream
            try:
                self._bucket = await jetstream.key_value(config.bucket)
            except NotFoundError:
                self._bucket = await jetstream.create_key_value(config)
        return self._bucket
