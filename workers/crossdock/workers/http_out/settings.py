"""Settings of ``http-out``."""

from __future__ import annotations

from typing import Literal

import httpx
import msgspec

from crossdock.mesh.project.scalars import Duration
from crossdock.mesh.web.address import check_address
from crossdock.mesh.web.auth import Auth, NoAuth
from crossdock.mesh.web.headers import check_headers
from crossdock.workers.adapter import Place


class _Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Frozen, by name, unknown keys refused."""


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
        check_address(self.url, self.auth, cleartext=self.cleartext)
        try:
            httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise ValueError("url: write http://HOST/… or https://HOST/…") from error
        if not 1 <= self.concurrency <= 256:  # noqa: PLR2004 - a bound, told in the text
            raise ValueError("concurrency is from 1 to 256")
        if not self.timeout:
            raise ValueError("timeout is more than nothing")
        check_headers(self.headers)

    def places(self) -> tuple[Place, ...]:
        """Return the path on its server."""
        url = httpx.URL(self.url)
        host = "127.0.0.1" if url.host == "localhost" else url.host
        port = url.port or (443 if url.scheme == "https" else 80)
        return (Place(f"http://{host}:{port}", url.path),)
