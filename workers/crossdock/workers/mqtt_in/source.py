"""The source: a persistent session, and PUBACKs that wait for the mesh."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from paho.mqtt.client import MQTTMessage

from crossdock.contracts import Disconnected
from crossdock.workers.adapter import Received, WorkerContext
from crossdock.workers.mqtt.connection import Connection, Session
from crossdock.workers.mqtt_in.reading import read
from crossdock.workers.mqtt_in.settings import MqttInSettings

log = logging.getLogger("crossdock.workers.mqtt_in")

_WAIT: Final = 1.0  # seconds in one receive
_WINDOW: Final = 4  # batches that may be here and not taken yet


class _Token(NamedTuple):
    """Which PUBACK, on which connection: numbers are used again on the next one."""

    connection: Connection
    mid: int

    def __repr__(self) -> str:
        return f"_Token({self.mid})"


class MqttSource:
    """Receives topics; see :class:`crossdock.workers.adapter.Source`."""

    def __init__(self, settings: MqttInSettings, context: WorkerContext) -> None:
        """Remember where from; does no I/O."""
        self._settings = settings
        self._context = context
        self._connection: Connection | None = None
        self._arrived: deque[MQTTMessage] = deque()
        self._open: set[int] = set()  # here or handed out, and not acknowledged
        self._news = asyncio.Event()

    async def open(self) -> None:
        """Connect to the session that the broker keeps, and subscribe."""
        await self.close()
        session = Session(
            client_id=self._settings.client_id or f"{self._context.mesh}-{self._context.worker}",
            keep=float(self._settings.session),
            window=_WINDOW * self._context.batch,
        )
        self._connection = Connection(
            self._settings, session, self._context.folder, on_message=self._arrive
        )
        await self._connection.open()
        await self._connection.subscribe(self._settings.topics)
        log.info("subscribed", extra={"worker": self._context.worker})

    async def receive(self) -> Sequence[Received]:
        """Return what has arrived, waiting a second for the first."""
        connection = self._current()
        if not self._arrived:
            self._news.clear()
            waits = [asyncio.ensure_future(each.wait()) for each in (self._news, connection.lost)]
            try:
                await asyncio.wait(waits, timeout=_WAIT, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in waits:
                    each.cancel()
        if connection.lost.is_set():
            raise connection.gone()  # what is here was not acknowledged: it comes again
        count = min(len(self._arrived), self._context.batch)
        return [self._take(connection) for _ in range(count)]

    async def acknowledge(self, received: Sequence[Received]) -> None:
        """Send the PUBACKs (I1)."""
        connection = self._current()
        mids = [each.token.mid for each in received if each.token.connection is connection]
        self._open.difference_update(mids)
        connection.acknowledge([mid for mid in mids if mid])  # 0: QoS 0, which knows none

    async def close(self) -> None:
        """Leave; the broker keeps the session. Safe without ``open`` and twice."""
        connection, self._connection = self._connection, None
        self._arrived.clear()
        self._open.clear()
        if connection is not None:
            await connection.close()
            self._arrived.clear()  # what came while it closed

    def _current(self) -> Connection:
        if self._connection is None:
            raise Disconnected("the MQTT source is not open")
        return self._connection

    def _arrive(self, message: MQTTMessage) -> None:
        if self._connection is None:
            return
        if message.mid and message.mid in self._open:
            self._connection.taken()  # sent again on the same connection, while we work on it
            return
        if message.mid:
            self._open.add(message.mid)
        self._arrived.append(message)
        self._news.set()

    def _take(self, connection: Connection) -> Received:
        message = self._arrived.popleft()
        connection.taken()
        return read(
            message._topic,  # noqa: SLF001 - `topic` decodes it, and raises when it is not UTF-8
            bytes(message.payload),
            max_payload=self._settings.max_payload,
            token=_Token(connection, message.mid),
        )
