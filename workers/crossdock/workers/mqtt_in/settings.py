"""Settings of `mqtt-in`."""

from __future__ import annotations

from crossdock.mesh.project.scalars import Duration
from crossdock.workers.adapter import Place
from crossdock.workers.mqtt.settings import MqttSettings
from crossdock.workers.mqtt.topics import filter_expression, filter_problem


class MqttInSettings(MqttSettings, frozen=True, kw_only=True):
    """Which topics are received, beside the settings of the connection.

    Attributes:
        topics: Topic filters: ``+`` stands for one level, ``#`` for all that follow;
            ``$share/GROUP/FILTER`` shares the messages among replicas, where the broker can.
        session: How long the broker keeps messages for a worker that is away (MQTT 5 only; a
            broker of 3.1.1 has its own limit).
    """

    topics: tuple[str, ...]
    session: Duration = Duration(7 * 86400)

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        super().__post_init__()
        if not self.topics:
            raise ValueError("topics is empty: name at least one")
        for text in self.topics:
            if problem := filter_problem(text):
                raise ValueError(f"topics: {text[:80]!r}: {problem}")
        if not 1 <= self.session < 2**32 - 1:
            raise ValueError("session is at least 1s: without one, messages would be lost")

    def places(self) -> tuple[Place, ...]:
        """Return the topics that are received."""
        return tuple(Place(self.system, filter_expression(each)) for each in self.topics)
