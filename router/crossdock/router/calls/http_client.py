"""Asks over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import msgspec

from crossdock.contracts import Halt, Reject
from crossdock.contracts.message import JSON
from crossdock.mesh.expression import Json
from crossdock.mesh.web.auth import credentials
from crossdock.mesh.web.outcomes import of_answer, of_failure
from crossdock.router.calls.call_file import HttpCall
from crossdock.router.calls.url_template import UrlTemplate


class HttpClient:
    """See :class:`crossdock.router.calls.client.Client`."""

    def __init__(self, name: str, settings: HttpCall, *, timeout: float, most: int) -> None:
        """Connect to nothing yet.

        Args:
            name: Of the call, for errors.
            settings: With its secrets resolved.
            timeout: Seconds for one call.
            most: Bytes that an answer may have.
        """
        self._name = name
        self._settings = settings
        self._template = UrlTemplate.parse(settings.url)
        self._timeout = timeout
        self._most = most
        self._client: httpx.AsyncClient | None = None

    async def call(self, request: Json, key: str) -> bytes | None:
        """Ask, and return the body of the answer."""
        if self._client is None:
            self._client = self._opened()
        settings = self._settings
        url = self._template.fill(request, self._name)
        body = msgspec.json.encode(request) if settings.method == "POST" else None
        try:
            own = {"idempotency-key": key} if key else None  # I4
            async with self._client.stream(
                settings.method, url, content=body, headers=own
            ) as answer:
                if answer.status_code in settings.nothing:
                    return None
                now = datetime.now(UTC)
                error = of_answer(answer.status_code, answer.headers, conflict="reject", now=now)
                if error is not None:
                    raise error
                return await self._read(answer)
        except httpx.TransportError as error:
            raise of_failure(error) from error
        except httpx.InvalidURL:
            raise Reject(f"call {self._name}: no URL can be made of this") from None  # I6

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _opened(self) -> httpx.AsyncClient:
        settings = self._settings
        own = {"accept": JSON, "accept-encoding": "identity", "user-agent": "crossdock"}
        if settings.method == "POST":
            own["content-type"] = JSON
        try:
            return httpx.AsyncClient(
                headers={**own, **settings.headers, **credentials(settings.auth)},
                # Shorter than the whole, so that a silent host is away and not merely slow.
                timeout=httpx.Timeout(self._timeout, connect=self._timeout / 2),
                limits=httpx.Limits(
                    max_connections=settings.concurrency,
                    max_keepalive_connections=settings.concurrency,
                ),
                follow_redirects=False,
                trust_env=False,  # no proxy and no .netrc from the environment: settings say all
            )
        except UnicodeEncodeError as error:
            raise Halt("auth holds text that cannot be in a header: use ASCII") from error

    async def _read(self, answer: httpx.Response) -> bytes:
        found = bytearray()
        async for chunk in answer.aiter_raw():
            found += chunk
            if len(found) > self._most:
                raise Reject(f"call {self._name}: the answer is larger than max_answer")
        return bytes(found)
