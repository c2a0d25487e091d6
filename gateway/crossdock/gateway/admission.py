"""How much may wait for the broker at once: beyond it the door says 503, and forgets nothing (I8).

Two bounds, because messages are counted and memory is not: many small ones and few large ones
both end at the door.
"""

from __future__ import annotations

from typing import Final

from crossdock.gateway.problems import unavailable

MAX_PENDING_BYTES: Final = 128 * 1024**2
_STEP: Final = 64 * 1024


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

    def place(self, size: int) -> Place:
        """Let one message in whose size may not be known yet.

        Args:
            size: Its bytes, as far as they are known.

        Raises:
            Refused: As in :meth:`enter`.
        """
        self.enter(1, size)
        return Place(self, size)


class Place:
    """The place of one message that was let in."""

    __slots__ = ("_admission", "_size")

    def __init__(self, admission: Admission, size: int) -> None:
        self._admission = admission
        self._size = size

    def grow(self, size: int) -> None:
        """Take as much as the message turns out to have.

        Raises:
            Refused: There is not so much left.
        """
        if size > self._size:
            more = max(size - self._size, _STEP)
            self._admission.enter(0, more)
            self._size += more

    def leave(self) -> None:
        """Give it back."""
        self._admission.leave(1, self._size)
