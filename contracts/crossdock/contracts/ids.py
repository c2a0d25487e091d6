"""Identities of messages.

New ones are UUID version 7 (RFC 9562), so that an id tells when the message came in. Derived ones
are digests of what they derive from, so that doing the work again gives the same ids (I4).

The first 48 bits of an id are its *locality*: what is made together begins alike, so that whoever
keeps ids in a B-tree (the inbox of `sql-out` is one) writes to few of its pages. They carry no
meaning beyond that, and a digest of all parts follows them.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

import uuid_utils

_DIGEST_BYTES: Final = 16
_CHARACTERS: Final = 36  # of a UUID as we write it
_LOCALITY: Final = 12  # hexadecimal digits: 48 bits, as many as the time of a UUID version 7
_SERIES: Final = 6  # digits of the locality that tell one series from another
_LEADING = re.compile(r"([0-9a-f]{8})-?([0-9a-f]{4})")


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


def near_id(neighbour: str, *parts: str) -> str:
    """Return the identity that belongs to these parts, with the locality of a neighbour.

    Args:
        neighbour: An id; one that is not of hexadecimal digits lends no locality.
        parts: What it derives from; they have to hold the neighbour, or what it derives from.
    """
    digest = keyed_id(*parts)
    leading = _LEADING.match(neighbour)
    return digest if leading is None else leading[1] + leading[2] + digest[_LOCALITY:]


def numbered_id(series: str, number: int, *parts: str) -> str:
    """Return the identity of one of a series, such as a line of a file: neighbours begin alike.

    Args:
        series: What tells it from other series.
        number: Its position in the series, of any size.
        parts: What else belongs to its identity.
    """
    digest = keyed_id(series, str(number), *parts)
    place = number % 16 ** (_LOCALITY - _SERIES)
    return keyed_id(series)[:_SERIES] + f"{place:0{_LOCALITY - _SERIES}x}" + digest[_LOCALITY:]


def child_id(source: str, parent: str, route: str, branch: str, index: int = 0) -> str:
    """Return the identity of the message that a route makes of its parent.

    Args:
        source: The parent's ``source``.
        parent: The parent's ``id``.
        route: Name of the route.
        branch: Destination, or another name of the branch that is unique in the route.
        index: Position among the children that the branch makes of this parent.
    """
    return near_id(parent, source, parent, route, branch, str(index))


def millis_of(message_id: str) -> int | None:
    """Return the Unix time in milliseconds in a UUID version 7, or None for any other id."""
    if len(message_id) != _CHARACTERS:  # a digest may look like one without hyphens
        return None
    try:
        value = uuid_utils.UUID(message_id)
    except ValueError:
        return None
    return value.timestamp if value.version == 7 else None  # noqa: PLR2004 - the UUID version
