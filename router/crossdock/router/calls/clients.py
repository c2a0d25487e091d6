"""The clients of one route: opened when first asked, bounded, with a cache each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path

import msgspec

from crossdock.contracts import CrossdockError, Halt, Retry
from crossdock.mesh.expression import Json
from crossdock.mesh.project.secrets import resolve_secrets
from crossdock.router.calls.answers import read_answer
from crossdock.router.calls.cache import Cache
from crossdock.router.calls.client import Client
from crossdock.router.calls.loading import LoadedCall
from crossdock.router.effects import Answer, Call

_SQL_AT_ONCE = 1


class _Asking:
    """One client, while it is in use."""

    def __init__(self, call: LoadedCall, client: Client) -> None:
        self.call = call
        self.client = client
        self.cache = Cache(time.monotonic)
        http = call.file.http
        self.turns = asyncio.Semaphore(_SQL_AT_ONCE if http is None else http.concurrency)

    async def ask(self, request: Json, key: str) -> Json:
        file = self.call.file
        async with self.turns:
            try:
                async with asyncio.timeout(file.timeout):
                    data = await self.client.call(request, key)
            except TimeoutError:
                raise Retry(f"no answer within {file.timeout:g} s") from None
        return read_answer(data, self.call.answers, file.call)


class Clients:
    """Answers the questions of one route."""

    def __init__(self, calls: Sequence[LoadedCall], folder: Path) -> None:
        """Open nothing yet.

        Args:
            calls: Those that the route may make.
            folder: The project folder.
        """
        self._calls = {each.file.call: each for each in calls}
        self._folder = folder
        self._asking: dict[str, _Asking] = {}

    async def close(self) -> None:
        """Close all clients. Safe twice."""
        closing, self._asking = list(self._asking.values()), {}
        for each in closing:
            await each.cache.close()
            await each.client.close()

    def writes(self, name: str) -> bool:
        """Tell whether a call may change something in the other system (RFC 9110, 9.2.1)."""
        http = self._calls[name].file.http
        return http is not None and http.method == "POST"

    async def answer(self, call: Call) -> Answer:
        """Return the answer to a question, or the instruction that it failed with."""
        try:
            asking = self._of(call.client)
            if call.timeout is not None:
                return await _within(call.timeout, asking.ask(call.request, call.key))
            if not call.cache:
                return await asking.ask(call.request, call.key)
            key = msgspec.json.encode(call.request, order="sorted")
            return await asking.cache.get(
                key, call.cache, lambda: asking.ask(call.request, call.key)
            )
        except CrossdockError as error:
            return _named(error, call.client)

    def _of(self, name: str) -> _Asking:
        asking = self._asking.get(name)
        if asking is None:
            call = self._calls[name]
            try:
                asking = _Asking(call, _made(call, self._folder))
            except ModuleNotFoundError as error:
                extra = "sql" if call.file.http is None else "http"
                raise Halt(f"a package is missing: pip install 'crossdock[{extra}]'") from error
            self._asking[name] = asking
        return asking


async def _within(seconds: float, asking: Awaitable[Json]) -> Json:
    """Return an answer that comes in time.

    Raises:
        Retry: It does not.
    """
    try:
        async with asyncio.timeout(seconds):
            return await asking
    except TimeoutError:
        raise Retry(f"no answer within {seconds:g} s") from None


def _made(call: LoadedCall, folder: Path) -> Client:
    """Make a client; the package that it needs is imported only now.

    Raises:
        Halt: A secret is missing.
    """
    file = resolve_secrets(call.file, folder)
    most = int(file.max_answer)
    if file.http is not None:
        from crossdock.router.calls.http_client import HttpClient  # noqa: PLC0415 - an extra

        return HttpClient(file.call, file.http, timeout=file.timeout, most=most)
    from crossdock.router.calls.sql_client import SqlClient  # noqa: PLC0415 - an extra

    assert file.sql is not None  # noqa: S101 - narrows a type: a call has http or sql
    return SqlClient(file.call, file.sql, folder, most=most)


def _named(error: CrossdockError, name: str) -> CrossdockError:
    """Say which call it was that failed."""
    text = error.reason if error.reason.startswith("call ") else f"call {name}: {error.reason}"
    if isinstance(error, Retry):
        return Retry(text, after=error.after)
    return type(error)(text, error.problems)
