"""Orders for the route of ``project_folder``."""

from __future__ import annotations

import msgspec

from crossdock.contracts import Message
from crossdock.contracts.reference import dataschema
from running_router import ORDER


def order(number: int, country: str = "DE", total: float = 10, **more: object) -> Message:
    """Return an order as the route accepts it."""
    data = {"order": f"o{number}", "country": country, "total": total} | more
    return Message(
        id=f"m{number}",
        source="/test",
        type=ORDER,
        dataschema=dataschema(ORDER, "1.0.0"),
        data=msgspec.json.encode(data),
    )
