"""Settings of ``http-out``."""

from __future__ import annotations

import ipaddress
import re
from typing import Final, Literal
from urllib.parse import urlsplit

import httpx
import msgspec

from crossdock.mesh.project.scalars import Duration, Secret

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}\Z")  # RFC 9110 field-name
_VALUE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]{0,4094}[\x21-\x7e])?\Z")
_OURS: Final = frozenset(
    {
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "idempotency-key",
        "traceparent",
        "tracestate",
        "transfer-encoding",
    }
)


class _Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Frozen, by name, unknown keys refused."""


class NoAuth(_Settings, frozen=True, tag="none"):
    """No credentials."""


class BasicAuth(_Settings, frozen=True, tag="basic"):
    """RFC 7617.

    Attributes:
        user: User name.
        password: Their password.
    """

    user: str
    password: Secret


class BearerAuth(_Settings, frozen=True, tag="bearer"):
    """RFC 6750.

    Attributes:
        token: The token.
    """

    token: Secret


class HeaderAuth(_Settings, frozen=True, tag="header"):
    """A secret in a header of the other system's choice.

    Attributes:
        name: Name of the header, for example ``X-Api-Key``.
        value: The secret.
    """

    name: str
    value: Secret

    def __post_init__(self) -> None:
        """Refuse a name that is none.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        if not _NAME.match(self.name) or self.name.lower() in _OURS - {"authorization"}:
            raise ValueError("name is not the name of a header that may be set here")


Auth = NoAuth | BasicAuth | BearerAuth | HeaderAuth


class HttpOutSettings(_Settings, frozen=True):
    """Settings of ``http-out``.

    Attributes:
        url: Where to send; ``https``, or ``http``, then with credentials only on this machine.
        method: HTTP method.
        headers: More headers, none of them secret.
        auth: Credentials: ``type`` is ``none``, ``basic``, ``bearer`` or ``header``.
        timeout: Longest time for one request, from connecting to the end of the answer.
        concurrency: Requests at once. With more than 1 a batch is not in order.
        conflict: What 409 means: ``done`` (it was done before) or ``reject``.
        cloudevents: Send the attributes as ``ce-…`` headers, too (binary CloudEvents).
        ca_file: Certificates to trust instead of the usual ones; relative to the project folder.
        cleartext: Allow credentials over ``http`` to another machine.
    """

    url: str
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    headers: dict[str, str] = {}
    auth: Auth = NoAuth()
    timeout: Duration = Duration(10)
    concurrency: int = 1
    conflict: Literal["done", "reject"] = "reject"
    cloudevents: bool = False
    ca_file: str | None = None
    cleartext: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        host = _host(self.url)
        secret = not isinstance(self.auth, NoAuth)
        if secret and self.url.startswith("http:") and not self.cleartext and not _is_local(host):
            raise ValueError("url: credentials only go over https; else set cleartext: true")
        if not 1 <= self.concurrency <= 256:  # noqa: PLR2004 - a bound, told in the text
            raise ValueError("concurrency is from 1 to 256")
        if not self.timeout:
            raise ValueError("timeout is more than nothing")
        for name, value in self.headers.items():
            if not _NAME.match(name) or name.lower() in _OURS or name.lower().startswith("ce-"):
                raise ValueError(f"headers: {name[:64]!r} is not a header that may be set here")
            if not _VALUE.match(value):
                raise ValueError(f"headers: the value of {name!r} is not printable ASCII")


def _host(url: str) -> str:
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("url: percent-encode what is not printable ASCII")
    try:
        parts = urlsplit(url)
        port = parts.port
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL) as error:
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
