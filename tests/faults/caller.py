"""One caller with one kept connection: HTTP/1.1 by hand, light enough for an outage."""

from __future__ import annotations

import asyncio

_PATIENCE = 15.0


class Caller:
    """Posts one request after the other; a connection that broke is opened anew."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, data: bytes, key: str) -> int | None:
        """Return the status; None when no answer came."""
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {self._host}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(data)}\r\nidempotency-key: {key}\r\n\r\n"
        )
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._exchange(head.encode() + data)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            self.close()
            return None

    def close(self) -> None:
        """Hang up. Safe twice."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def _exchange(self, request: bytes) -> int:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length or b"0"))
        if b"connection: close" in head:
            self.close()
        return int(head.split(b" ", 2)[1])
