"""Identities of messages.

New ones are UUID version 7 (RFC 9562), so that an id tells when the message came in. Derived ones
are digests of what they derive from, so that doing the work again gives the same ids (I4).
"""

from __future__ import annotations

from hashlib import blake2b

import uuid_utils

_DIGEST_BYTES = 16


def new_id() -> str:
    """Return a new identity: a UUID version 7, 36 characters."""
    return str(uuid_utils.uuid7())


def keyed_id(*parts: str) -> str:
    """Return the identity that belongs to these parts: 32 hexadecimal characters.

    The same parts always give the same id; each part is length-prefixed, so that moving text from
    one part to its neighbour gives another id.
    """
    digest = blake2b(digest_size=_DIGEST_BYTES)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def child_id(parent: str, route: str, branch: str, index: int = 0) -> str:
    """Return the identity of the message that a route makes of its parent.

    Args:
        parent: ``source`` and ``id`` of the parent, as in :attr:`Message.identity`.
        route: Name of the route.
        branch: Destination, or another name of the branch that is unique in the route.
        index: Position among the children that the branch makes of this parent.
    """
    return keyed_id(parent, route, branch, str(index))


def millis_of(message_id: str) -> int | None:
    """Return the Unix time in milliseconds in a UUID version 7, or None for any other id."""
    try:
        value = uuid_utils.UUID(message_id)
    except ValueError:
        return None
    return value.timestamp if value.version == 7 else None  # noqa: PLR2004 - the UUID version
