"""``mesh.yaml``: what holds for the whole mesh."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from crossdock.contracts.claim_check import LARGEST
from crossdock.mesh.project.scalars import Duration, Secret, Size

Count = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

DEFAULT_MOST: Final = 16 * 1024**2
"""Bytes of data that a message may have where the project says nothing: a mapping's bound, too."""
_LEAST_ABOVE: Final = 1024
_MOST_ABOVE: Final = 4 * 1024**2


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Frozen, by name, unknown keys refused."""


class GatewaySettings(_File, frozen=True):
    """The HTTP gateway.

    Attributes:
        listen: ``HOST:PORT``; port 0 takes a free one.
        max_body: Largest request body; larger ones get 413. By default ``claim_check.most``.
        max_batch: Most events in one batched CloudEvents request.
        max_pending: Most messages that wait for their PubAck at once; beyond it 503.
        timeout: How long a request waits for its PubAck before 503.
        max_wait: Longest time that a caller may wait for a reply; then 202.
        max_waiting: Most callers that wait for a reply at once; beyond it 503.
        anonymous: Accept callers without an API key. Only on a loopback address.
    """

    listen: str = "127.0.0.1:8080"
    max_body: Size | None = None
    max_batch: Count = 1000
    max_pending: Count = 10_000
    timeout: Duration = Duration(10)
    max_wait: Duration = Duration(30)
    max_waiting: Count = 1000
    anonymous: bool = False

    @property
    def largest_body(self) -> int:
        """Bytes of the largest request body."""
        return DEFAULT_MOST if self.max_body is None else int(self.max_body)


class ClaimCheckSettings(_File, frozen=True):
    """Data that does not travel with its message: it is kept apart, for as long as it is needed.

    Attributes:
        above: Data of more bytes than this is kept apart.
        most: Data of more bytes than this is refused.
    """

    above: Size = Size(256 * 1024)
    most: Size = Size(DEFAULT_MOST)

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        if not _LEAST_ABOVE <= self.above <= _MOST_ABOVE:
            raise ValueError("above is from 1KiB to 4MiB: a message has to fit into the broker")
        if not self.above <= self.most <= LARGEST:
            raise ValueError(f"most is from `above` to {LARGEST // 1024**2}MiB")


class MqttListener(_File, frozen=True):
    """The MQTT listener of the embedded nats-server.

    Attributes:
        listen: ``HOST:PORT`` on a loopback address.
        user: User name that MQTT clients log in with.
        password: Their password.
        subjects: NATS subjects that they may use, for example ``meters.>``.
    """

    listen: str
    user: str
    password: Secret
    subjects: tuple[str, ...]


class BrokerSettings(_File, frozen=True):
    """NATS JetStream.

    Attributes:
        replicas: Copies of each stream; 3 in production, 1 on a single node.
        max_bytes: Bound of each of the streams ``in`` and ``out``; when full, doors say 503.
        history: How long acknowledged messages are kept for replay.
        duplicate_window: How long the streams remember ids.
        replies: How long a reply can be fetched.
        mqtt: MQTT listener of the embedded server, none by default.
    """

    replicas: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1
    max_bytes: Size = Size(10 * 1024**3)
    history: Duration = Duration(7 * 86400)
    duplicate_window: Duration = Duration(120)
    replies: Duration = Duration(3600)
    mqtt: MqttListener | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        if not self.replies:
            raise ValueError("replies is more than nothing: write for example 10m or 1h")


class Policy(_File, frozen=True):
    """What happens when a message fails: named in the project, used by routes and workers.

    Attributes:
        attempts: How often a message is tried before it becomes a dead letter.
        delays: Waits before the second, third, … attempt; the last one repeats.
        jitter: Share of a delay by which it varies at random, 0 to 1.
        timeout: Longest time for one attempt.
        breaker_after: Failures in a row after which consumption pauses.
        breaker_pause: How long it pauses.
        dead_letter_limit: Dead letters in one run of a component after which it halts.
    """

    attempts: Count = 5
    delays: Annotated[tuple[Duration, ...], msgspec.Meta(min_length=1)] = (
        Duration(1),
        Duration(5),
        Duration(30),
        Duration(120),
    )
    jitter: Share = 0.2
    timeout: Duration = Duration(30)
    breaker_after: Count = 5
    breaker_pause: Duration = Duration(10)
    dead_letter_limit: Count = 10_000


class StepSettings(_File, frozen=True):
    """Bounds of the process that runs the Python steps of a router.

    Attributes:
        memory: Most memory that it may take; what needs more fails.
        timeout: Longest time for one call, where the step itself says nothing else.
    """

    memory: Size = Size(512 * 1024**2)
    timeout: Duration = Duration(10)


class Throttle(_File, frozen=True):
    """How many messages a component takes in a time, over all of its replicas.

    Attributes:
        messages: So many …
        per: … in this time.
    """

    messages: Count
    per: Duration = Duration(1)

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        if not self.per:
            raise ValueError("per is more than nothing: write for example 1s or 1m")


class TelemetrySettings(_File, frozen=True):
    """Traces and logs.

    Attributes:
        sample: Share of new traces that are recorded, 0 to 1.
        trace_link: Address of a trace in the tracing system, with ``{trace_id}`` in it.
    """

    sample: Share = 0.01
    trace_link: str = ""


class MeshFile(_File, frozen=True):
    """The whole of ``mesh.yaml``.

    Attributes:
        mesh: Name of the mesh: ``a-z 0-9 _ -``; first token of every subject.
        description: For people.
        gateway: The HTTP gateway.
        broker: NATS JetStream.
        claim_check: Data that is kept apart from its message.
        policies: Named failure policies; ``standard`` exists always.
        telemetry: Traces and logs.
        steps: Bounds of Python steps.
    """

    mesh: str
    description: str = ""
    gateway: GatewaySettings = GatewaySettings()
    broker: BrokerSettings = BrokerSettings()
    claim_check: ClaimCheckSettings = ClaimCheckSettings()
    policies: dict[str, Policy] = {}
    telemetry: TelemetrySettings = TelemetrySettings()
    steps: StepSettings = StepSettings()

    def __post_init__(self) -> None:
        """Refuse a door that is wider than what is behind it.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        wanted = self.gateway.max_body
        if wanted is not None and wanted > self.claim_check.most:
            raise ValueError(
                f"gateway.max_body is {int(wanted)} bytes, claim_check.most allows "
                f"{int(self.claim_check.most)}: make the one smaller or the other larger"
            )

    @property
    def door(self) -> GatewaySettings:
        """The gateway's settings, with the bound of a body that follows from the whole."""
        if self.gateway.max_body is not None:
            return self.gateway
        return msgspec.structs.replace(self.gateway, max_body=self.claim_check.most)

    def policy(self, name: str) -> Policy:
        """Return a named policy; ``standard`` is there without being written.

        Raises:
            KeyError: When the project has no policy of that name.
        """
        if name == "standard":
            return self.policies.get(name, Policy())
        return self.policies[name]
