"""The port of a client that routes call."""

from __future__ import annotations

from typing import Protocol

from crossdock.mesh.expression import Json


class Client(Protocol):
    """One other system that answers questions."""

    async def call(self, request: Json, key: str) -> bytes | None:
        """Return the answer as JSON, or None when the other system has nothing for it.

        It may be called many times at once, and is cancelled when there is no time left. A question
        may be asked again: one that changes something has a key then, always the same.

        Raises:
            Disconnected: The system is away.
            Retry: It may answer later.
            Reject: It will never answer this.
            Halt: The settings are wrong.
        """
        ...

    async def close(self) -> None:
        """Release everything. Safe without a call and twice."""
        ...
