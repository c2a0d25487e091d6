"""Where another system is: a URL without credentials, and with them only where nobody listens."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from crossdock.mesh.web.auth import Auth, NoAuth


def check_address(url: str, auth: Auth, *, cleartext: bool) -> None:
    """Refuse an address that is none, or over which credentials would go in the clear.

    Args:
        url: The address.
        auth: What is sent along.
        cleartext: Whether credentials may go over ``http`` to another machine.

    Raises:
        ValueError: With a text for the person who wrote it.
    """
    host = _host(url)
    secret = not isinstance(auth, NoAuth)
    if secret and url.startswith("http:") and not cleartext and not _is_local(host):
        raise ValueError("url: credentials only go over https; else set cleartext: true")


def _host(url: str) -> str:
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("url: percent-encode what is not printable ASCII")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError("url: write http://HOST/… or https://HOST/…") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise ValueError("url: write http://HOST/… or https://HOST/…")
    if parts.username is not None or parts.password is not None:
        raise ValueError("url: no user or password in it; use auth")
    if parts.fragment:
        raise ValueError("url: no # in it")
    return parts.hostname


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
