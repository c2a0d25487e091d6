"""The endpoint for operators: ``/livez``, ``/readyz`` and ``/metrics``.

Router and workers run it as a small server of its own (:class:`OpsServer`), on loopback unless told
otherwise; the gateway puts :func:`ops_routes` into its application.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urlsplit

import msgspec
import uvicorn
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock.contracts import Halt
from crossdock.mesh.telemetry.safe_values import safe_text

_MOST_CONNECTIONS: Final = 64
_DRAIN_SECONDS: Final = 2

Check = Callable[[], str | None]
"""Returns None when fine, else one line that says why not. Does no I/O."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What the probes ask of a service.

    Attributes:
        registry: Metrics to show.
        age: Seconds since the event loop last ran (:meth:`Watchdog.age`).
        checks: By name, what must be fine before the service is ready. A service may add to it.
        facts: By name, what ``/readyz`` tells besides. A service may add to it.
        limit: Seconds after which a loop that did not run counts as dead.
    """

    registry: CollectorRegistry
    age: Callable[[], float]
    checks: dict[str, Check] = {}
    facts: dict[str, Callable[[], int]] = {}
    limit: float = 30.0


def ops_routes(health: Health) -> list[Route]:
    """Return the three routes, for an application of one's own.

    ``/livez`` and ``/readyz`` answer 200 or 503 with JSON, ``/metrics`` in the text format
    0.0.4 that every Prometheus reads.
    """

    async def livez(_: Request) -> Response:
        age = round(health.age(), 3)
        alive = age <= health.limit
        return JSONResponse({"alive": alive, "age": age}, 200 if alive else 503)

    async def readyz(_: Request) -> Response:
        found = {name: check() for name, check in health.checks.items()}
        ready = all(why is None for why in found.values())
        shown = {name: "ok" if why is None else safe_text(why) for name, why in found.items()}
        facts = {name: fact() for name, fact in health.facts.items()}
        return JSONResponse({"ready": ready, "checks": shown, **facts}, 200 if ready else 503)

    async def metrics(_: Request) -> Response:
        shown = generate_latest(health.registry)
        return Response(shown, headers={"content-type": CONTENT_TYPE_PLAIN_0_0_4})

    return [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)]


class OpsServer:
    """Serves the three routes from inside the running event loop."""

    def __init__(self, health: Health, listen: str = "127.0.0.1:0") -> None:
        """Remember what to serve and where.

        Args:
            health: What the probes ask.
            listen: ``HOST:PORT``; port 0 takes a free one.
        """
        self._health = health
        self._listen = listen
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None
        self._address = ("", 0)

    @property
    def url(self) -> str:
        """``http://HOST:PORT`` that is really bound; only after :meth:`start`."""
        host, port = self._address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def start(self) -> None:
        """Bind and serve.

        Raises:
            Halt: When the address is no address or cannot be bound.
        """
        bound = _bind(self._listen)
        host, port, *_ = bound.getsockname()
        self._address = (host, port)
        config = uvicorn.Config(
            Starlette(routes=ops_routes(self._health)),
            access_log=False,
            lifespan="off",
            limit_concurrency=_MOST_CONNECTIONS,  # I8
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
            ws="none",
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve([bound]), name="ops")

    async def stop(self) -> None:
        """Stop serving. Safe without start and twice."""
        server, self._server = self._server, None
        task, self._task = self._task, None
        if server is not None and task is not None:
            server.should_exit = True
            await task


class _Server(uvicorn.Server):
    """Uvicorn that leaves the signals to the service in whose loop it runs."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bind(listen: str) -> socket.socket:
    try:
        address = urlsplit(f"//{listen}")
        host, port = address.hostname, address.port
    except ValueError:
        host, port = None, None
    if not host or port is None:
        raise Halt(f"{listen[:80]!r} is not an address to listen on: write HOST:PORT")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_MOST_CONNECTIONS)
    except OSError as error:
        raise Halt(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another address or port 0"
        ) from error
