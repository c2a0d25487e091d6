"""`mqtt-in`: receives the messages of topics, and acknowledges them once they are safe."""

from crossdock.workers.adapter import Adapter
from crossdock.workers.mqtt_in.settings import MqttInSettings
from crossdock.workers.mqtt_in.source import MqttSource

__all__ = ["MqttInSettings", "MqttSource", "adapter"]

adapter = Adapter(
    name="mqtt-in",
    summary="Receives MQTT topics with QoS 1; a message is acknowledged once it is stored.",
    direction="source",
    settings=MqttInSettings,
    make=MqttSource,
    places=MqttInSettings.places,
)
