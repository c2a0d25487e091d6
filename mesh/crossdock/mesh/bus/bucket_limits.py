"""What a key-value bucket may hold."""

from __future__ import annotations

from typing import Any, Final

import msgspec

_NANOSECONDS: Final = 1_000_000_000


class BucketLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a bucket may hold, and where it tells of a new value.

    Attributes:
        replicas: Copies.
        max_bytes: Bytes in all; a value that finds no room is refused.
        history: Values kept of each key.
        max_age: Seconds for which a value is kept; 0 for ever.
        notice: A key, and the subject on which each new value of it is told once it is stored.
    """

    replicas: int
    max_bytes: int
    history: int = 1
    max_age: float = 0.0
    notice: tuple[str, str] | None = None

    def config(self, stream: str, prefix: str) -> dict[str, Any]:
        """Return the configuration of the stream of a bucket as the server's API takes it.

        Args:
            stream: Its name.
            prefix: Of the subjects of the keys.
        """
        age = int(self.max_age * _NANOSECONDS)
        config: dict[str, Any] = {
            "name": stream,
            "subjects": [f"{prefix}>"],
            "retention": "limits",
            "storage": "file",
            "num_replicas": self.replicas,
            "discard": "new",
            "max_age": age,
            "max_bytes": self.max_bytes,
            "max_msgs_per_subject": self.history,
            "duplicate_window": min(age, 120 * _NANOSECONDS) if age else 120 * _NANOSECONDS,
            "allow_rollup_hdrs": True,  # what NATS' own clients expect of a bucket
            "deny_delete": True,  # same
            "allow_direct": True,
            "allow_atomic": True,
        }
        if self.notice is not None:
            key, subject = self.notice
            config["republish"] = {"src": prefix + key, "dest": subject}
        return config
