"""The order key of a message of a route (I7)."""

from __future__ import annotations

from crossdock.mesh.bus import Incoming
from crossdock.mesh.component import Key
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
