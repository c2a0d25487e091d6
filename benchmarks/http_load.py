"""Sends the same POST over many connections, one request at a time each, and times every answer."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import urlsplit

import msgspec


class Load(msgspec.Struct, frozen=True):
    """What came of it.

    Attributes:
        rate: Requests a second.
        p50: Median latency in seconds.
        p99: 99th percentile of it.
    """

    rate: float
    p50: float
    p99: float


class _Connection(asyncio.Protocol):
    """One connection: the next request goes out when the answer to the last one is complete."""

    def __init__(self, request: bytes, count: int, latencies: list[float]) -> None:
        self._request = request
        self._left = count
        self._latencies = latencies
        self._answer = b""
        self._sent = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        self._latencies.append(time.perf_counter() - self._sent)
        if b" 202 " not in head[:20]:
            self.done.set_exception(RuntimeError(head[:200].decode()))
            return
        self._answer = b""
        self._left -= 1
        if self._left:
            self._send()
        else:
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionResetError())

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request)  # type: ignore[attr-defined] # a stream's transport


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    return 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])


async def load(url: str, headers: dict[str, str], body: bytes, connections: int, each: int) -> Load:
    """Send ``each`` requests over each of the connections."""
    parts = urlsplit(url)
    lines = [f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    request = "\r\n".join(lines).encode() + body
    latencies: list[float] = []
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    opened = [
        await loop.create_connection(
            lambda: _Connection(request, each, latencies), parts.hostname, parts.port
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in opened))
    took = time.perf_counter() - start
    for transport, _ in opened:
        transport.close()
    latencies.sort()
    count = len(latencies)
    return Load(count / took, latencies[count // 2], latencies[int(count * 0.99)])
