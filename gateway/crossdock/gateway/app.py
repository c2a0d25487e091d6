"""The gateway as an ASGI application.

``POST /v1/messages/…`` is sent on its way before any routing, everything else goes through
Starlette's router. Every refusal, wherever it arises, is answered in one place and in one shape.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Final

from starlette.exceptions import HTTPException
from starlette.routing import Route, Router

from crossdock.contracts.registry import Registry
from crossdock.gateway.api import Api
from crossdock.gateway.asgi import App, Receive, Scope, Send
from crossdock.gateway.clients import Clients
from crossdock.gateway.docs import PATH as DOCS
from crossdock.gateway.docs import DocsPage
from crossdock.gateway.doors import Doors
from crossdock.gateway.events import PATH as EVENTS
from crossdock.gateway.events import PostEvents
from crossdock.gateway.ingress import MESSAGES, Ingress, Request
from crossdock.gateway.messages import PostMessage
from crossdock.gateway.metrics_access import refuse_stranger
from crossdock.gateway.post_api import PostApi
from crossdock.gateway.problems import Refused, send_refusal
from crossdock.gateway.reads import Read, Reads
from crossdock.gateway.replying import PATH_END, Replies
from crossdock.gateway.request_body import Gone
from crossdock.gateway.request_head import headers_of
from crossdock.gateway.status import GetStatus
from crossdock.mesh.bus import Bus
from crossdock.mesh.catalogue.description import Describe
from crossdock.mesh.ops import Health, ops_routes
from crossdock.mesh.project.settings import GatewaySettings
from crossdock.mesh.telemetry.failures import describe_failure
from crossdock.mesh.telemetry.metrics import GatewayMetrics
from crossdock.mesh.telemetry.tracing import Tracing

_log = logging.getLogger("crossdock.gateway")
_NOT_ALLOWED: Final = 405


class Gateway:
    """The ASGI application.

    Attributes:
        stopping: Set when the process is about to stop: ``/readyz`` says so.
    """

    def __init__(
        self,
        bus: Bus,
        doors: Doors,
        settings: GatewaySettings,
        *,
        health: Health,
        metrics: GatewayMetrics,
        tracing: Tracing,
    ) -> None:
        """Put the application together; nothing is started.

        Args:
            bus: Connected; stays the caller's to close.
            doors: Contracts, clients and APIs to begin with.
            settings: Of the gateway.
            health: What the probes ask; the gateway adds that it is not stopping.
            metrics: What is counted.
            tracing: Where traces begin.
        """
        self.stopping = False
        self._ingress = Ingress(bus, doors, settings, metrics, tracing)
        self._replies = Replies(self._ingress)
        self._post_message = PostMessage(self._ingress, self._replies)
        self._post_events = PostEvents(self._ingress)
        self._get_status = GetStatus(self._ingress)
        reads = Reads(self._ingress)
        health.checks["gateway"] = self._running
        probes = {route.path: route for route in ops_routes(health)}
        self._show_metrics = probes["/metrics"].app
        self._routes = [
            Route(f"{MESSAGES}{{rest:path}}", _Endpoint(self._status), methods=["GET"]),
            Route(EVENTS, _Endpoint(self._events), methods=["POST"]),
            Route("/metrics", _Endpoint(self._metrics), methods=["GET"]),
            *(
                Route(path, _Endpoint(partial(self._read, read)), methods=["GET"])
                for path, read in reads.endpoints.items()
            ),
            Route(DOCS, DocsPage(self._ingress, reads), methods=["GET", "POST"]),
            probes["/livez"],
            probes["/readyz"],
        ]
        self._router = self._routed(doors.apis)

    def replace(
        self,
        registry: Registry,
        clients: Clients,
        apis: Sequence[Api] = (),
        describe: Describe | None = None,
    ) -> None:
        """Take other contracts, clients and APIs, for every request that begins from now on."""
        subjects = self._ingress.doors.subjects
        self._ingress.doors = Doors(registry, clients, subjects, apis, describe)
        self._router = self._routed(apis)

    def stop(self) -> None:
        """Say that the process is about to stop: nobody is kept waiting for a reply any more."""
        self.stopping = True
        self._replies.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; uvicorn calls it, once for each, concurrently."""
        if scope["type"] != "http":
            return
        try:
            await self._serve(scope, receive, send)
        except Gone:
            return
        except Refused as refused:
            await self._refuse(send, refused)
        except HTTPException as error:  # the router's own
            await self._refuse(send, _of_router(scope, error))
        except Exception as error:  # noqa: BLE001 - a fault of ours is one answer, not a dead process
            _log.error("request failed", extra={"failure": describe_failure(error)})
            await self._refuse(send, Refused("internal", "This is a fault of the gateway."))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST" and scope["path"].startswith(MESSAGES):
            request = self._identified(scope, receive, send)
            await self._post_message(request, scope["path"][len(MESSAGES) :])
            return
        scope["app"] = self  # makes the router raise instead of answering in plain text
        await self._router(scope, receive, send)

    async def _refuse(self, send: Send, refused: Refused) -> None:
        self._ingress.metrics.refused(refused.kind, refused.contract)
        await send_refusal(send, refused)

    def _identified(self, scope: Scope, receive: Receive, send: Send) -> Request:
        headers = headers_of(scope)
        client = self._ingress.doors.identify(headers)
        given = headers.get(b"traceparent")
        trace = self._ingress.tracing.accept(
            None if given is None else given.decode("latin-1"),
            headers.get(b"tracestate", b"").decode("latin-1"),
        )
        return Request(headers, client, receive, send, trace)

    async def _status(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._identified(scope, receive, send)
        message_id, query = scope["path"][len(MESSAGES) :], scope["query_string"]
        # Of the path as it came: an id may hold a slash, which is escaped there.
        if scope["raw_path"].endswith(PATH_END.encode()):
            await self._replies.fetch(request, message_id.removesuffix(PATH_END), query)
        else:
            await self._get_status(request, message_id, query)

    async def _events(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._post_events(self._identified(scope, receive, send))

    def _routed(self, apis: Sequence[Api]) -> Router:
        own = [Route(each.path, self._api(each), methods=[each.method]) for each in apis]
        # A path without parameters is the more exact one.
        own.sort(key=lambda route: len(route.param_convertors))
        return Router([*self._routes, *own], redirect_slashes=False)

    def _api(self, api: Api) -> _Endpoint:
        post = PostApi(self._ingress, self._post_message, self._replies, api)

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            request = self._identified(scope, receive, send)
            await post(request, scope["path_params"], scope["query_string"])

        return _Endpoint(serve)

    async def _read(self, read: Read, scope: Scope, receive: Receive, send: Send) -> None:
        await read(self._identified(scope, receive, send), scope["path_params"])

    async def _metrics(self, scope: Scope, receive: Receive, send: Send) -> None:
        refuse_stranger(scope, headers_of(scope), self._ingress.doors)
        await self._show_metrics(scope, receive, send)

    def _running(self) -> str | None:
        return "stopping" if self.stopping else None


class _Endpoint:
    """Gives a method to the router as the ASGI application that it is."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def _of_router(scope: Scope, error: HTTPException) -> Refused:
    if error.status_code != _NOT_ALLOWED:
        return Refused("not-found", "There is nothing at this path.")
    allowed = "GET, HEAD, POST"  # on messages, where a POST never comes to the router
    if not scope["path"].startswith(MESSAGES):
        found = (error.headers or {}).get("Allow", "")
        allowed = ", ".join(sorted(found.split(", ")))
    return Refused(
        "method-not-allowed",
        f"Only {allowed} is allowed here.",
        headers=((b"allow", allowed.encode()),),
    )
