"""Parts a batch of messages whose data has to be fetched, so that each part has room (I8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from crossdock.contracts.claim_check import HEADER, ClaimCheck
from crossdock.mesh.bus import Incoming

_TOGETHER: Final = 8 * 1024**2


class Part(msgspec.Struct):
    """Messages that are worked on together.

    Attributes:
        batch: The messages.
        size: Bytes of their data that has to be fetched.
    """

    batch: list[Incoming]
    size: int = 0


def parts_of(batch: Sequence[Incoming]) -> list[Part]:
    """Return the messages in order; in one part those that have room together."""
    parts = [Part([])]
    for each in batch:
        size = _size_elsewhere(each)
        if size and parts[-1].batch and parts[-1].size + size > _TOGETHER:
            parts.append(Part([]))
        parts[-1].batch.append(each)
        parts[-1].size += size
    return parts


def _size_elsewhere(incoming: Incoming) -> int:
    check = incoming.headers.get(HEADER)
    if check is None:
        return 0
    try:
        return ClaimCheck.parse(check).size
    except ValueError:
        return 0  # it is refused for that when it is fetched
