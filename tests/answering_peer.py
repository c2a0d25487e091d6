"""A real HTTP server that answers questions: uvicorn in a thread, on one port for good."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


class Question:
    """One request that arrived."""

    def __init__(self, target: str, headers: dict[str, str], body: bytes) -> None:
        self.target = target
        self.headers = headers
        self.body = body


class AnsweringPeer:
    """Answers GET and POST on every path as it is told; keeps every question."""

    def __init__(self, answer: Callable[[Question], Response], *, wait: float = 0.0) -> None:
        self.answer = answer
        self.wait = wait
        self.questions: list[Question] = []
        self.most_at_once = 0
        self._now = 0
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._listener.listen(64)
        app = Starlette(routes=[Route("/{path:path}", self._take, methods=["GET", "POST"])])
        config = uvicorn.Config(app, lifespan="off", ws="none", log_config=None, access_log=False)
        self._server = uvicorn.Server(config)
        sockets = [self._listener]
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": sockets})
        self._thread.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
        self._listener.close()

    async def _take(self, request: Request) -> Response:
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            target = request.scope["raw_path"].decode()
            if request.url.query:
                target += f"?{request.url.query}"
            question = Question(target, dict(request.headers), await request.body())
            self.questions.append(question)
            await asyncio.sleep(self.wait)
            return self.answer(question)
        finally:
            self._now -= 1
