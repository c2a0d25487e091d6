"""A real HTTP server for tests: uvicorn in a thread, on one port for good, stoppable."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Answer = Callable[["Call"], Response]


class Call:
    """One request that arrived."""

    def __init__(self, method: str, headers: dict[str, str], body: bytes) -> None:
        self.method = method
        self.headers = headers
        self.body = body

    @property
    def value(self) -> Any:  # noqa: ANN401 - a JSON value
        return json.loads(self.body)


class HttpPeer:
    """Keeps every call; has the effect of each idempotency key once; answers as it is told."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.calls: list[Call] = []
        self.effects: dict[str, Call] = {}
        self.answer = answer
        self.hold: threading.Event | None = None
        self.most_at_once = 0
        self.port = 0
        self._now = 0
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/messages"

    def start(self) -> None:
        # Bound before the thread starts: a connection then waits, and is never refused.
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self.port = listener.getsockname()[1]
        methods = ["POST", "PUT", "PATCH"]
        app = Starlette(routes=[Route("/messages", self._take, methods=methods)])
        config = uvicorn.Config(app, lifespan="off", ws="none", log_config=None, access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]})
        self._thread.start()

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            if self.hold is not None:
                self.hold.set()
            self._server.should_exit = True
            self._thread.join()
            self._server = None

    async def _take(self, request: Request) -> Response:
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            call = Call(request.method, dict(request.headers), await request.body())
            self.calls.append(call)
            if self.hold is not None:
                await asyncio.to_thread(self.hold.wait, 120)
            response = self.answer(call) if self.answer else Response(status_code=204)
            if response.status_code < 300:
                self.effects.setdefault(call.headers["idempotency-key"], call)
            return response
        finally:
            self._now -= 1
