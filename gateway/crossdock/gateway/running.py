"""Runs the gateway on uvicorn until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import math
import socket
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn

from crossdock.contracts import Halt
from crossdock.gateway.app import Gateway
from crossdock.gateway.http_protocol import BoundedProtocol
from crossdock.mesh.project.settings import GatewaySettings

_log = logging.getLogger("crossdock.gateway")
_KEEP_ALIVE: Final = 75  # longer than the usual 60 s of proxies: so they close first, not we
_BACKLOG: Final = 1024
_GRACE: Final = 5


async def serve(
    gateway: Gateway,
    settings: GatewaySettings,
    stop: asyncio.Event,
    started: Callable[[str], None],
) -> None:
    """Answer requests until told to stop; then finish what is in flight and return.

    The caller closes the bus afterwards: what was accepted until then has its PubAck.

    Args:
        gateway: The application.
        settings: Its settings.
        stop: Set it to stop: nothing more is accepted, what has begun is finished.
        started: Called once with the address, ``http://host:port``, when it is listening.

    Raises:
        Halt: It may not, or cannot, listen there.
    """
    refuse_open_door(settings)
    listener = _listen(settings.listen)
    server = _Server(_config(gateway, settings))
    running = asyncio.create_task(server.serve(sockets=[listener]), name="gateway")
    stopped = asyncio.create_task(stop.wait(), name="gateway stop")
    try:
        started(_url(listener))
        await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gateway.stop()
        stopped.cancel()
        server.should_exit = True
        await running
        listener.close()
        _log.info("gateway stopped")


def refuse_open_door(settings: GatewaySettings) -> None:
    """Refuse to let callers without a key in from other machines.

    Raises:
        Halt: When ``anonymous`` is set and the address is not loopback.
    """
    host = split_address(settings.listen)[0]
    if settings.anonymous and not _is_loopback(host):
        raise Halt(
            f"gateway.anonymous is true, but gateway.listen is {settings.listen}, which other "
            "machines can reach: listen on 127.0.0.1, or remove anonymous and make an API key "
            "with `crossdock client add`"
        )


def split_address(listen: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT`` or ``[HOST]:PORT``.

    Raises:
        Halt: When it is neither.
    """
    host, _, port = listen.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 - largest port
        raise Halt(f"gateway.listen is {listen!r}: write HOST:PORT, for example 127.0.0.1:8080")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(listen: str) -> socket.socket:
    host, port = split_address(listen)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise Halt(f"gateway.listen: {host} is no address of this machine") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise Halt(
            f"cannot listen on {listen} ({error.strerror}): is another process there? "
            "Change gateway.listen, or give --http HOST:PORT"
        ) from error
    listener.setblocking(False)  # noqa: FBT003 - the socket's own signature
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(gateway: Gateway, settings: GatewaySettings) -> uvicorn.Config:
    return uvicorn.Config(
        gateway,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the peer is who connects: nobody may say to be someone else
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=math.ceil(settings.timeout) + _GRACE,
    )


class _Server(uvicorn.Server):
    """Leaves signals to the process, which has more to stop than this."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
