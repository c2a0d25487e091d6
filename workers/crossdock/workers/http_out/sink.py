"""The sink of ``http-out``: one request a message, with its id as idempotency key."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import httpx

from crossdock.contracts import Disconnected, Halt, Reject, Retry
from crossdock.mesh.web.auth import credentials
from crossdock.mesh.web.outcomes import of_answer, of_failure
from crossdock.workers.adapter import Answer, Delivered, Delivery, WorkerContext
from crossdock.workers.file_errors import instruction
from crossdock.workers.http_out.requests import body_of, headers_of
from crossdock.workers.http_out.settings import HttpOutSettings

_MOST_READ: Final = 64 * 1024  # bytes of an answer that are read, to use its connection again (I8)


class HttpSink:
    """Delivers by HTTP."""

    def __init__(self, settings: HttpOutSettings, context: WorkerContext) -> None:
        """Do nothing yet."""
        self._settings = settings
        self._folder = context.folder
        self._answer = context.answer
        self._client: httpx.AsyncClient | None = None

    async def open(self) -> None:
        """Prepare the connections. The server is first spoken to when there is a message."""
        await self.close()
        settings = self._settings
        try:
            headers = {**settings.headers, **credentials(settings.auth)}
            self._client = httpx.AsyncClient(
                headers={"accept-encoding": "identity", "user-agent": "crossdock", **headers},
                # Shorter than the whole, so that a silent host is away and not merely slow.
                timeout=httpx.Timeout(settings.timeout, connect=settings.timeout / 2),
                limits=httpx.Limits(
                    max_connections=settings.concurrency,
                    max_keepalive_connections=settings.concurrency,
                ),
                verify=self._trust(),
                follow_redirects=False,
                trust_env=False,  # no proxy and no .netrc from the environment: settings say all
            )
        except UnicodeEncodeError as error:
            raise Halt("auth holds text that cannot be in a header: use ASCII") from error

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[Delivered]:
        """Send each message; those after a Disconnected or Halt are not sent and say the same."""
        if self._client is None:
            raise Disconnected("the connection is not open")
        batch = _Batch(self._client, self._settings, deliveries, self._answer)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._settings.concurrency, len(deliveries))):
                group.create_task(batch.work())
        return batch.results

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _trust(self) -> ssl.SSLContext | bool:
        if self._settings.ca_file is None:
            return True
        path = self._folder / self._settings.ca_file
        try:
            return ssl.create_default_context(cafile=path)
        except ssl.SSLError as error:  # before OSError, whose kind it is
            raise Halt(f"{path} holds no certificates in PEM form") from error
        except OSError as error:
            raise instruction(error, str(path)) from error


class _Batch:
    """One batch on its way: workers take the next message until none is left or all must stop."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        settings: HttpOutSettings,
        deliveries: Sequence[Delivery],
        wanted: int,
    ) -> None:
        self.results: list[Delivered] = [None] * len(deliveries)
        self._client = client
        self._settings = settings
        self._waiting = iter(enumerate(deliveries))
        self._wanted = wanted
        self._stop: Disconnected | Halt | None = None

    async def work(self) -> None:
        """Deliver one message after another."""
        for index, delivery in self._waiting:
            result = self._stop or await self._send(delivery)
            if isinstance(result, Disconnected | Halt):
                self._stop = result
            self.results[index] = result

    async def _send(self, delivery: Delivery) -> Delivered:
        settings = self._settings
        try:
            body = body_of(delivery)
            headers = headers_of(delivery, cloudevents=settings.cloudevents)
            async with (
                asyncio.timeout(settings.timeout),
                self._client.stream(
                    settings.method, settings.url, content=body, headers=headers
                ) as answer,
            ):
                read = await _read(answer, self._wanted or _MOST_READ)
        except Reject as error:
            return error
        except httpx.TransportError as error:
            return of_failure(error)
        except TimeoutError:
            return Retry("no whole answer from the server within timeout")
        now = datetime.now(UTC)
        wrong = of_answer(answer.status_code, answer.headers, conflict=settings.conflict, now=now)
        if wrong is not None or not self._wanted:
            return wrong
        # The system has done it: what is wrong with its answer must not have it done again.
        return Reject(f"its answer has more than {self._wanted} bytes") if read is None else read


async def _read(answer: httpx.Response, most: int) -> Answer | None:
    """Return a short body; of a longer one None, and the connection is given up instead."""
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > most:
            return None
    return Answer(bytes(body))
