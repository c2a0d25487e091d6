"""`mqtt-out`: publishes to a topic, and waits for each PUBACK."""

from crossdock.workers.adapter import Adapter
from crossdock.workers.mqtt_out.settings import MqttOutSettings
from crossdock.workers.mqtt_out.sink import MqttSink

__all__ = ["MqttOutSettings", "MqttSink", "adapter"]

adapter = Adapter(
    name="mqtt-out",
    summary="Publishes JSON to MQTT topics with QoS 1; a repeat may be published twice.",
    direction="sink",
    settings=MqttOutSettings,
    make=MqttSink,
    effect_once=False,  # MQTT has nothing that a broker could tell a repeat by
    places=MqttOutSettings.places,
)
