"""The order key of a message of a route (I7)."""

from __future__ import annotations

import msgspec

from crossdock.mesh.bus import Incoming
from crossdock.mesh.component import Key
from crossdock.mesh.groups import GROUP_TYPE
from crossdock.router.compiled import CompiledRoute


def route_key(route: CompiledRoute) -> Key | None:
    """Return what gives the key of the messages of a route; None when they keep no order.

    A message of a version that the route does not accept keeps no order: it is filtered, and its
    data need not have a key.
    """
    order = route.order
    if order is None:
        return None

    def key(incoming: Incoming, data: bytes | None = None) -> str | None:
        schema = incoming.headers.get("ce-dataschema", "")
        return order.of_incoming(incoming, data) if schema in route.accepted else None

    return key


class _Keyed(msgspec.Struct):
    """What is read of a message whose turn has come."""

    key: msgspec.Raw


_keyed = msgspec.json.Decoder(_Keyed)


def turn_key(incoming: Incoming, data: bytes | None = None) -> str | None:
    """Return the key of a message whose turn has come (Resequencer): its own messages wait for it.

    A hint that a gap may be over keeps no order, nor does what cannot be read: it will be refused.
    """
    if incoming.headers.get("ce-type") != GROUP_TYPE:
        return None
    try:
        return bytes(_keyed.decode(incoming.data if data is None else data).key).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
