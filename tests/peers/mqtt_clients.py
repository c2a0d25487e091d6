"""MQTT clients of the tests' own, and the MQTT listener of nats-server."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Sequence
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from nats_server import NatsServer

_MQTT = """
server_name: mqtt
mqtt {{ host: "127.0.0.1", port: {port}{options} }}
"""


class NatsMqtt:
    """nats-server, seen through its MQTT listener. It keeps that port over restarts."""

    def __init__(self, folder: Path, *, options: str = "") -> None:
        with socket.socket() as probe:  # the server tells that port in its log only
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.server = NatsServer(folder, extra=_MQTT.format(port=self.port, options=options))

    def start(self) -> None:
        self.server.start()

    def stop(self) -> None:
        """SIGTERM, as an operator stops it."""
        self.server.signal(signal.SIGTERM)
        assert self.server.process is not None
        self.server.process.wait(timeout=10)

    def kill(self) -> None:
        self.server.kill()


async def publish(port: int, topic: str, payloads: Sequence[str | bytes], *, qos: int = 1) -> None:
    """Publish, and wait until the broker has acknowledged each."""

    def work() -> None:
        client = Client(CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", port)
        client.loop_start()
        for payload in payloads:
            client.publish(topic, payload, qos=qos).wait_for_publish(10)
        client.disconnect()
        client.loop_stop()

    await asyncio.to_thread(work)


class Listener:
    """Remembers each message on the topics of a filter."""

    def __init__(self, port: int, topics: str) -> None:
        self.port = port
        self.topics = topics
        self.client: Client | None = None
        self.messages: list[tuple[str, bytes]] = []
        self.fences = 0

    async def again(self) -> None:
        """Connect, also after the broker was restarted; keep what was heard."""
        await self.stop()
        subscribed = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = self._hear

        def tell(*_: object) -> None:
            loop.call_soon_threadsafe(subscribed.set)

        self.client.on_subscribe = tell
        await asyncio.to_thread(self.client.connect, "127.0.0.1", self.port)
        self.client.loop_start()
        self.client.subscribe([(self.topics, 1), ("fence/#", 1)])
        await asyncio.wait_for(subscribed.wait(), 10)

    async def stop(self) -> None:
        if self.client is not None:
            self.client.disconnect()
            await asyncio.to_thread(self.client.loop_stop)

    async def payloads(self) -> list[bytes]:
        """Return what was heard up to now: a message of our own comes after all of it."""
        self.fences += 1
        await publish(self.port, f"fence/{self.fences}", ["now"])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(30):
                while (f"fence/{self.fences}", b"now") not in self.messages:
                    await asyncio.sleep(0.005)
        return [payload for topic, payload in self.messages if not topic.startswith("fence/")]

    def _hear(self, _client: object, _userdata: object, message: MQTTMessage) -> None:
        self.messages.append((message.topic, bytes(message.payload)))
