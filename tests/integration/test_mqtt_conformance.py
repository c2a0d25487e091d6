"""The conformance kit on `mqtt-in` and `mqtt-out`, with mosquitto and with nats-server's MQTT."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from crossdock.workers.adapter import Delivery, Received, WorkerContext
from crossdock.workers.conformance import (
    MARK,
    SinkCheck,
    SinkFeatures,
    SourceCheck,
    SourceFeatures,
    check_name,
    sink_checks,
    source_checks,
)
from crossdock.workers.mqtt_in import MqttInSettings, MqttSource
from crossdock.workers.mqtt_out import MqttOutSettings, MqttSink
from peers.mosquitto import Mosquitto
from peers.mqtt_clients import Listener, NatsMqtt, publish

# MQTT has no identity for a message.
SOURCE = SourceFeatures(stable_ids=False)
SINK = SinkFeatures(effect_once=False)
PEERS = ["mosquitto-3.1.1", "mosquitto-5", "nats-3.1.1"]

pytestmark = pytest.mark.peer


@pytest.fixture(params=PEERS)
def peer(request: pytest.FixtureRequest, tmp_path: Path) -> Any:  # noqa: ANN401 - one of two brokers
    name, _, version = request.param.partition("-")
    server: Mosquitto | NatsMqtt
    if name == "mosquitto":
        server = Mosquitto(tmp_path / "m")
    else:  # it sends again after this time, also what an earlier connection left
        server = NatsMqtt(tmp_path / "n", options=', ack_wait: "1s"')
    try:
        server.start()
        yield server, version
    finally:
        server.kill()


class SourceOnTopics:
    """A broker, to which a client of the test's own publishes."""

    features = SOURCE

    def __init__(self, server: Mosquitto | NatsMqtt, version: Any) -> None:  # noqa: ANN401 - a literal
        self.server = server
        self.version = version

    def make(self, batch: int) -> MqttSource:
        settings = MqttInSettings(
            host="127.0.0.1", port=self.server.port, topics=("meters/+",), protocol=self.version
        )
        context = WorkerContext(mesh="test", worker="meters", folder=Path(), batch=batch)
        return MqttSource(settings, context)

    async def put(self, numbers: Sequence[int]) -> None:
        payloads = [json.dumps({"number": number, "text": MARK}) for number in numbers]
        await publish(self.server.port, "meters/7", payloads)

    def number(self, received: Received) -> int:
        assert received.value["segments"] == ["meters", "7"]
        return int(received.value["payload"]["number"])

    async def cut(self) -> None:
        self.server.stop()

    async def heal(self) -> None:
        self.server.start()


class SinkOnTopic:
    """A broker, at which a client of the test's own listens."""

    features = SINK

    def __init__(self, server: Mosquitto | NatsMqtt, version: Any) -> None:  # noqa: ANN401 - a literal
        self.server = server
        self.version = version
        self.listener = Listener(server.port, "alerts/#")

    def make(self) -> MqttSink:
        settings = MqttOutSettings(
            host="127.0.0.1", port=self.server.port, topic_field="topic", protocol=self.version
        )
        return MqttSink(settings, WorkerContext(mesh="test", worker="alerts", folder=Path()))

    def delivery(self, number: int) -> Delivery:
        value = {"topic": "alerts/a", "number": number, "text": MARK}
        return Delivery(id=f"id-{number}", type="test.thing.made", value=value)

    def refused(self) -> Delivery:
        value = {"topic": f"alerts/{MARK}/#", "text": MARK}
        return Delivery(id="id-refused", type="test.thing.made", value=value)

    async def effects(self) -> list[int]:
        return [json.loads(each)["number"] for each in await self.listener.payloads()]

    async def cut(self) -> None:
        self.server.stop()

    async def heal(self) -> None:
        self.server.start()
        await self.listener.again()


@pytest.mark.parametrize("check", source_checks(SOURCE), ids=check_name)
async def test_mqtt_in_conforms(check: SourceCheck, peer: tuple[Mosquitto | NatsMqtt, str]) -> None:
    harness = SourceOnTopics(*peer)
    await check(harness)


@pytest.fixture
async def sink_harness(peer: tuple[Mosquitto | NatsMqtt, str]) -> AsyncIterator[SinkOnTopic]:
    harness = SinkOnTopic(*peer)
    await harness.listener.again()
    yield harness
    await harness.listener.stop()


@pytest.mark.parametrize("check", sink_checks(SINK), ids=check_name)
async def test_mqtt_out_conforms(check: SinkCheck, sink_harness: SinkOnTopic) -> None:
    await check(sink_harness)
