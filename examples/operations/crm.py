"""A stand-in for the company's CRM: a web service with a bearer token, and bad moments.

Run as ``CRM_TOKEN=... python crm.py [PORT]``.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import stat
import sys
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

BUSY_EVERY: Final = 61
LOST_EVERY: Final = 197
REFUSED_DOMAIN: Final = "@typo.example"
DEFAULT_PORT: Final = 18099


class Crm:
    """Keeps contacts by their idempotency key; one key has one effect."""

    def __init__(self, token: str) -> None:
        self._authorization = f"Bearer {token}".encode()
        self._contacts: dict[str, Any] = {}
        self._requests = 0
        self._counts = {"busy": 0, "lost": 0, "repeated": 0, "refused": 0}

    async def post(self, request: Request) -> Response:
        """Take a contact: 201 the first time, 200 when it was there; sometimes something else."""
        key = request.headers.get("idempotency-key")
        if not self._knows(request):
            return JSONResponse({"error": "who are you?"}, 401)
        if not key:
            return JSONResponse({"error": "an Idempotency-Key is needed"}, 400)
        self._requests += 1
        if self._requests % BUSY_EVERY == 0:
            return self._bad_moment("busy", 503, {"retry-after": "1"})
        if key in self._contacts:
            self._counts["repeated"] += 1
            return JSONResponse({}, 200)
        return self._take(key, await request.json())

    def _take(self, key: str, contact: Any) -> Response:  # noqa: ANN401 - any JSON value
        if contact["email"].endswith(REFUSED_DOMAIN):
            return self._bad_moment("refused", 422)
        self._contacts[key] = contact
        if self._requests % LOST_EVERY == 0:  # it was taken, and the caller cannot know
            return self._bad_moment("lost", 500)
        return JSONResponse({}, 201)

    async def get(self, request: Request) -> Response:
        """Show all contacts, and how often each bad moment came."""
        if not self._knows(request):
            return JSONResponse({"error": "who are you?"}, 401)
        return JSONResponse({"contacts": list(self._contacts.values()), "counts": self._counts})

    def _knows(self, request: Request) -> bool:
        given = request.headers.get("authorization", "").encode()
        return hmac.compare_digest(given, self._authorization)

    def _bad_moment(
        self, what: str, status: int, headers: dict[str, str] | None = None
    ) -> Response:
        self._counts[what] += 1
        return JSONResponse({"error": what}, status, headers)


def application(token: str) -> Starlette:
    """Return the web application."""
    crm = Crm(token)
    return Starlette(
        routes=[
            Route("/contacts", crm.post, methods=["POST"]),
            Route("/contacts", crm.get, methods=["GET"]),
        ]
    )


async def serve(port: int, token: str) -> None:
    """Serve until a signal, or until whoever holds the other end of standard input is gone."""
    config = uvicorn.Config(application(token), host="127.0.0.1", port=port, log_level="warning")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    gone = asyncio.create_task(_input_closed())
    await asyncio.wait([serving, gone], return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    gone.cancel()
    await serving


async def _input_closed() -> None:
    """Return when standard input is closed; never when it is a terminal or a file."""
    mode = os.fstat(sys.stdin.fileno()).st_mode
    if not stat.S_ISFIFO(mode) and not stat.S_ISSOCK(mode):
        await asyncio.Event().wait()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    await reader.read()


if __name__ == "__main__":
    PORT = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_PORT
    asyncio.run(serve(PORT, os.environ["CRM_TOKEN"]))
