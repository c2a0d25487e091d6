"""How much may wait for the broker at once: beyond it the door says 503, and forgets nothing (I8).

Two bounds, because messages are counted and memory is not: many small ones and few large ones
both end at the door.
"""

from __future__ import annotations

from typing import Final

from crossdock.gateway.problems import unavailable

MAX_PENDING_BYTES: Final = 256 * 1024**2


class Admission:
    """Counts what is being received or waits for its PubAck. Not for use from several threads."""

    def __init__(self, messages: int, size: int = MAX_PENDING_BYTES) -> None:
        self._most_messages = messages
        self._most_bytes = size
        self.messages = 0
        self.bytes = 0

    def enter(self, messages: int, size: int) -> None:
        """Let messages in; every ``enter`` that returned is followed by one ``leave``.

        Raises:
            Refused: When one of the bounds would be passed.
        """
        if self.messages + messages > self._most_messages or self.bytes + size > max(
            self._most_bytes, size
        ):  # a single request always fits when nothing else is there
            raise unavailable("Too many messages wait for the broker. Send this one again.")
        self.messages += messages
        self.bytes += size

    def leave(self, messages: int, size: int) -> None:
        """Take back what an ``enter`` counted."""
        self.messages -= messages
        self.bytes -= size
