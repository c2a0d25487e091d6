"""Room in the stream of the groups: the server does not bound it, so those who write there do."""

from __future__ import annotations

import time
from typing import Final

from crossdock.contracts import Disconnected
from crossdock.mesh.bus import Bus

STREAM: Final = "group"
_LOOK: Final = 5.0  # seconds between two looks at the size of the stream


class Room:
    """Looks now and then whether there is room (I8)."""

    def __init__(self, bus: Bus, bound: int) -> None:
        """Remember the bound: bytes that the stream may hold."""
        self._bus = bus
        self._bound = bound
        self._looked = -_LOOK

    async def look(self) -> None:
        """Return when there is room.

        Raises:
            Disconnected: There is none, or the broker does not answer.
        """
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        size = await self._bus.size(STREAM)
        if size > self._bound:
            raise Disconnected(f"the groups take {size} bytes, more than broker.max_bytes")
        self._looked = now
