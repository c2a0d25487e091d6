"""Settings of `mqtt-out`."""

from __future__ import annotations

from crossdock.workers.adapter import Place
from crossdock.workers.mqtt.settings import MqttSettings
from crossdock.workers.mqtt.topics import topic_problem


class MqttOutSettings(MqttSettings, frozen=True, kw_only=True):
    """Where to publish, beside the settings of the connection.

    Attributes:
        topic: The topic.
        topic_field: Field of the value that holds the topic, instead of ``topic``; it is not
            published.
        retain: Whether the broker keeps the last message of a topic for later subscribers.
    """

    topic: str | None = None
    topic_field: str | None = None
    retain: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        super().__post_init__()
        if (self.topic is None) == (self.topic_field is None):
            raise ValueError("give either topic or topic_field")
        if self.topic is not None and (problem := topic_problem(self.topic)):
            raise ValueError(f"topic: {problem}")

    def places(self) -> tuple[Place, ...]:
        """Return the topic; none when the message says it."""
        return () if self.topic is None else (Place(self.system, self.topic),)
