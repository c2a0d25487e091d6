"""What a durable pull consumer is to be."""

from __future__ import annotations

from typing import Any, Final

import msgspec

NANOSECONDS: Final = 1_000_000_000
PINNED: Final[dict[str, Any]] = {
    "priority_groups": ["order"],
    "priority_policy": "pinned_client",
    "priority_timeout": 8 * NANOSECONDS,  # without a request of the pinned client, another is
}
"""What the configuration says of a consumer that is worked by one client at a time (ADR-42)."""


class ConsumerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A durable pull consumer.

    Attributes:
        stream: Name of its stream.
        durable: Its name.
        filters: Subjects that it takes.
        ack_wait: Seconds without a sign of life after which a message is delivered again.
        max_ack_pending: Most messages that are delivered and not settled, over all replicas.
        from_start: Whether a new consumer takes what is in the stream already.
        replicas: Copies of its state; 0 for as many as the stream.
        pinned: Whether one client at a time is given messages; the others stand by (I7).
    """

    stream: str
    durable: str
    filters: tuple[str, ...]
    ack_wait: float = 10.0
    max_ack_pending: int = 4000
    from_start: bool = True
    replicas: int = 0
    pinned: bool = False

    def config(self, start_after: int | None) -> dict[str, Any]:
        """Return the configuration as the server's API takes it."""
        config: dict[str, Any] = {
            "durable_name": self.durable,
            "ack_policy": "explicit",
            "ack_wait": int(self.ack_wait * NANOSECONDS),
            "max_ack_pending": self.max_ack_pending,
            "max_deliver": -1,  # the limit is ours: past the server's, a message stays, silent
            "max_waiting": 512,
            "filter_subjects": list(self.filters),
            "num_replicas": self.replicas,
            "deliver_policy": "all" if self.from_start else "new",
        }
        if self.pinned:
            config |= PINNED
        if start_after is not None:
            config["deliver_policy"] = "by_start_sequence"
            config["opt_start_seq"] = start_after + 1
        return config
