"""What expressions see of a message beside its data."""

from __future__ import annotations

from typing import Final

from crossdock.contracts import Message
from crossdock.mesh.expression import Json

VARIABLE: Final = "$message"
"""What expressions call the attributes of the message."""


def attributes_of(message: Message) -> dict[str, Json]:
    """Return what expressions know as ``$message``."""
    return {
        "id": message.id,
        "source": message.source,
        "type": message.type,
        "dataschema": message.dataschema,
        "time": message.time,
        "subject": message.subject,
        "extensions": message.extensions,
    }
