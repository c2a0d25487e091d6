"""Finding the key of a message that comes in, for as long as it takes."""

from __future__ import annotations

import asyncio
from typing import Final

from crossdock.contracts import Disconnected, Reject, Retry
from crossdock.mesh.bus import Bus, Incoming
from crossdock.mesh.component import DataElsewhere, Key

_AGAIN: Final = 0.2


async def key_of(bus: Bus, key: Key | None, incoming: Incoming) -> tuple[str | None, Reject | None]:
    """Return the key of a message, None when it keeps no order; or why it is refused."""
    while key is not None:
        try:
            try:
                return key(incoming), None
            except DataElsewhere as elsewhere:
                async with bus.claim_checks.redeemed(elsewhere.check) as data:
                    return key(incoming, data), None
        except Reject as error:
            return None, error
        except (Retry, Disconnected):  # too busy to run an expression, or the broker is away
            await asyncio.sleep(_AGAIN)
    return None, None
