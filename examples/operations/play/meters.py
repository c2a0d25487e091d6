"""The electricity meters speak MQTT: each has its own connection and waits for each PUBACK."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Final

from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion

from play.readings import Reading
from play.threads import SendingFailedError, run_all

_PATIENCE: Final = 30.0


class Meters:
    """All meters of the company."""

    def __init__(self, port: int, password: str, advance: Callable[[], None]) -> None:
        """Remember where the broker listens.

        Args:
            port: Port of its MQTT listener.
            password: Of the user ``meters``.
            advance: Called after each reading.
        """
        self._port = port
        self._password = password
        self._advance = advance

    async def publish(self, readings: list[Reading]) -> None:
        """Publish readings with QoS 1: those of a meter in their order, all meters at once.

        Raises:
            SendingFailedError: The broker does not take one.
        """
        by_meter: dict[str, list[Reading]] = defaultdict(list)
        for each in readings:
            by_meter[each.meter].append(each)
        await run_all([self._job(meter, own) for meter, own in by_meter.items()])

    def _job(self, meter: str, readings: list[Reading]) -> Callable[[threading.Event], None]:
        return lambda stop: self._publish(meter, readings, stop)

    def _publish(self, meter: str, readings: list[Reading], stop: threading.Event) -> None:
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"meter-{meter}")
        client.username_pw_set("meters", self._password)
        try:
            client.connect("127.0.0.1", self._port)
        except OSError as error:
            raise SendingFailedError(f"meter {meter} cannot connect: {error}") from error
        client.loop_start()
        try:
            for each in readings:
                _wait(client.publish(each.topic, each.payload(), qos=1), meter, stop)
                if stop.is_set():
                    return
                self._advance()
        finally:
            client.disconnect()
            client.loop_stop()


def _wait(sent: MQTTMessageInfo, meter: str, stop: threading.Event) -> None:
    """Wait for the PUBACK; a lost connection is made again by the client, with the same message."""
    deadline = time.monotonic() + _PATIENCE
    while not stop.is_set():
        sent.wait_for_publish(0.5)
        if sent.is_published():
            return
        if time.monotonic() > deadline:
            raise SendingFailedError(f"meter {meter} got no PUBACK in {_PATIENCE:.0f} s")
