"""Free TCP ports that stay ours until the process which is to listen on them does."""

from __future__ import annotations

import socket
import sys


class ReservedPort:
    """A port of a loopback or other local address, chosen now and listened on later.

    On Linux the port stays bound here without listening: nobody gets it by chance, and a program
    that sets ``SO_REUSEADDR`` (as asyncio, uvicorn and nats-server do) may listen on it, again
    after each restart. Elsewhere the port is only chosen.

    Attributes:
        host: Address as it was given.
        port: The port: the wanted one, or a free one when 0 was wanted.
    """

    def __init__(self, host: str, port: int = 0) -> None:
        """Reserve a port.

        Args:
            host: Address or name of this machine.
            port: The port wanted, 0 for a free one.

        Raises:
            OSError: When the address is not of this machine or the port is taken.
        """
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        self._socket = socket.socket(family, kind)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind(address)
            self.host = host
            self.port = int(self._socket.getsockname()[1])
        except BaseException:
            self._socket.close()
            raise
        if sys.platform != "linux":
            self._socket.close()

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def release(self) -> None:
        """Give the port back. Safe twice."""
        self._socket.close()


def split_address(text: str) -> tuple[str, int]:
    """Read ``HOST:PORT`` or ``[IPV6]:PORT``.

    Raises:
        ValueError: With a text for the person who wrote it.
    """
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 - 16 bits
        raise ValueError(f"{text[:80]!r} is not HOST:PORT: write for example 127.0.0.1:8080")
    return host, int(port)
