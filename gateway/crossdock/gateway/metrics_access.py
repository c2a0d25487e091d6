"""Who may read ``/metrics``: this machine, and whoever has the key of a client with that scope.

A request that a proxy passed on does not count as from this machine, whatever its peer is.
"""

from __future__ import annotations

import ipaddress
from typing import Final

from crossdock.gateway.asgi import Scope
from crossdock.gateway.clients import key_of
from crossdock.gateway.doors import Doors
from crossdock.gateway.problems import Refused, unauthorized

_PASSED_ON: Final = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")


def refuse_stranger(scope: Scope, headers: dict[bytes, bytes], doors: Doors) -> None:
    """Refuse whoever may not read the metrics.

    Raises:
        Refused: The caller is neither on this machine nor a client with the scope ``metrics``.
    """
    if key_of(headers) is not None:
        client = doors.identify(headers)
        if "metrics" not in client.scopes:
            raise Refused("forbidden", f"The client {client.name} has no scope metrics.")
        return
    if not _is_local(scope) or any(name in headers for name in _PASSED_ON):
        raise unauthorized("Send the API key of a client with the scope metrics.")


def _is_local(scope: Scope) -> bool:
    peer = scope.get("client")
    try:
        return peer is not None and ipaddress.ip_address(peer[0]).is_loopback
    except ValueError:
        return False
