"""The bodies of what is in hand: so many bytes, the others are read again in their turn (I8)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from crossdock.mesh.bus import Bus
from crossdock.mesh.ordering.lanes import Item

Kind: TypeAlias = Literal["route", "group", "destination"]
MOST_BYTES: Final = 16 * 1024**2
"""Bytes of bodies that one component holds; of a message beyond that, only its number is held."""

_STREAMS: Final[dict[Kind, str]] = {"route": "in", "group": "group", "destination": "out"}


class Bodies:
    """Lets go of bodies and reads them again."""

    def __init__(self, bus: Bus, kind: Kind) -> None:
        """Remember where they are.

        Args:
            bus: The bus.
            kind: Of the component.
        """
        self._bus = bus
        self._stream = _STREAMS[kind]

    def bound(self, item: Item, held: int) -> None:
        """Let go of the body of a message that comes into hand, if enough are held already."""
        if held + item.size > MOST_BYTES:
            item.incoming.drop_body()
            item.size = 0

    async def read(self, items: Sequence[Item]) -> list[Item]:
        """Read the bodies that are missing; return those that the stream no longer has.

        Raises:
            Disconnected: The broker does not answer.
        """
        missing = [item for item in items if not item.incoming.headers]
        found = await asyncio.gather(
            *(self._bus.read_one(self._stream, item.incoming.sequence) for item in missing)
        )
        for item, stored in zip(missing, found, strict=True):
            if stored is not None:
                item.incoming.read_again(stored.headers, stored.data)
        return [item for item, stored in zip(missing, found, strict=True) if stored is None]
