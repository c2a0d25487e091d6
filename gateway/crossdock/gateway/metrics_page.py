"""``/metrics`` for Prometheus: from this machine, or with the key of a client that has the scope.

A request that a proxy passed on does not count as from this machine, whatever its peer is.
"""

from __future__ import annotations

import ipaddress
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from crossdock.gateway.asgi import Scope, Send
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


async def send_metrics(
    registry: CollectorRegistry, headers: dict[bytes, bytes], send: Send
) -> None:
    """Answer with every metric, in the format that the caller asks for."""
    encode, content_type = choose_encoder(headers.get(b"accept", b"").decode("latin-1"))
    body = encode(registry)
    head = [
        (b"content-type", content_type.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


def _is_local(scope: Scope) -> bool:
    peer = scope.get("client")
    try:
        return peer is not None and ipaddress.ip_address(peer[0]).is_loopback
    except ValueError:
        return False
