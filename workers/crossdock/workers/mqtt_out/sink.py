"""The sink: publishes in order, and waits for the PUBACKs of a batch together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from paho.mqtt.reasoncodes import ReasonCode

from crossdock.contracts import CrossdockError, Disconnected, Halt, Reject, Retry
from crossdock.workers.adapter import Delivery, WorkerContext
from crossdock.workers.mqtt.connection import Connection, Session
from crossdock.workers.mqtt.topics import topic_problem
from crossdock.workers.mqtt_out.settings import MqttOutSettings

log = logging.getLogger("crossdock.workers.mqtt_out")

_PATIENCE: Final = 20.0  # seconds for the PUBACKs of a batch
_NOT_AUTHORIZED: Final = 0x87
_REFUSED: Final = {0x90, 0x95, 0x99}  # topic name invalid, packet too large, payload format invalid


class MqttSink:
    """Publishes to topics; see :class:`crossdock.workers.adapter.Sink`."""

    def __init__(self, settings: MqttOutSettings, context: WorkerContext) -> None:
        """Remember where to; does no I/O."""
        self._settings = settings
        self._context = context
        self._connection: Connection | None = None

    async def open(self) -> None:
        """Connect."""
        await self.close()
        name = self._settings.client_id or f"{self._context.mesh}-{self._context.worker}"
        self._connection = Connection(self._settings, Session(client_id=name), self._context.folder)
        await self._connection.open()
        log.info("connected", extra={"worker": self._context.worker})

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[CrossdockError | None]:
        """Publish a batch; each has its effect once the broker has acknowledged it."""
        if self._connection is None:
            raise Disconnected("the MQTT sink is not open")
        waiting: list[asyncio.Future[list[ReasonCode]] | CrossdockError] = []
        for delivery in deliveries:
            try:
                topic, payload = self._packet(delivery.value)
                waiting.append(
                    self._connection.publish(topic, payload, retain=self._settings.retain)
                )
            except (Reject, Disconnected) as error:
                waiting.append(error)
        answers = [each for each in waiting if isinstance(each, asyncio.Future)]
        if answers:
            await asyncio.wait(answers, timeout=_PATIENCE)
        return [
            each if isinstance(each, CrossdockError) else self._result(each) for each in waiting
        ]

    async def close(self) -> None:
        """Leave. Safe without ``open`` and twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def _packet(self, value: Any) -> tuple[str, bytes]:  # noqa: ANN401 - any JSON value
        settings, topic = self._settings, self._settings.topic
        if settings.topic_field is not None:
            if not isinstance(value, dict) or not isinstance(value.get(settings.topic_field), str):
                raise Reject(f"the value has no text in field {settings.topic_field!r} for a topic")
            value = dict(value)
            topic = value.pop(settings.topic_field)
            if problem := topic_problem(topic):
                raise Reject(f"field {settings.topic_field!r}: {problem}")
        payload = msgspec.json.encode(value)
        if len(payload) > settings.max_payload:  # a broker would cut the connection, for ever
            raise Reject(f"the payload has {len(payload)} bytes, more than max_payload")
        return topic or "", payload

    def _result(self, answer: asyncio.Future[list[ReasonCode]]) -> CrossdockError | None:
        if not answer.done():
            return Disconnected(f"the MQTT broker acknowledged nothing in {_PATIENCE:.0f} s")
        if isinstance(error := answer.exception(), CrossdockError):
            return error
        (code,) = answer.result()
        return self._refusal(code) if code.is_failure else None

    def _refusal(self, code: ReasonCode) -> CrossdockError:
        """Return what the runtime has to do about a PUBACK of MQTT 5 that refuses."""
        told = f"the MQTT broker refuses: {code}"
        if code.value == _NOT_AUTHORIZED and self._settings.topic is not None:
            return Halt(f"{told}; check the user's rights on the topic")
        if code.value in {*_REFUSED, _NOT_AUTHORIZED}:
            return Reject(told)
        return Retry(told)
