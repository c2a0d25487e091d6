"""uvicorn's HTTP protocol with what it lacks: bounds (I8), and requests that ask for an upgrade.

uvicorn's httptools protocol limits neither a request's header nor the time that a request takes to
come, and refuses in plain text. Here both are bounded, and the refusal is a problem like all
others. The time is bounded here and not where bodies are read, because a request that comes in one
packet, as nearly all do, then costs no timer.

A request with ``Upgrade: h2c``, as Java's client sends it, is to be served as if it did not ask.
The parser, however, stops at its header: the body would be lost, and when it comes in a packet of
its own it would even be read as the next request. So another parser reads on.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from crossdock.gateway.problems import Refused, unavailable

MAX_HEAD_BYTES: Final = 32 * 1024
MAX_HEADERS: Final = 100
MAX_CONNECTIONS: Final = 4096
REQUEST_SECONDS: Final = 20.0
_PER_HEADER: Final = 4  # colon, space, line end

_log = logging.getLogger("crossdock.gateway")


class _HeadTooLarge(Exception):
    """Stops the parser in the middle of a header that is larger than allowed."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Counts its headers, and closes it when one does not come to its end."""

    _head_bytes = 0  # of the header as far as it is parsed
    _open_bytes = 0  # received while the header was open: the parser keeps what has no end yet
    _head_open = True
    _complete = False
    _timer: asyncio.TimerHandle | None = None
    _refused = False
    _reading_on = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn does
        """Take the connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self._refuse(unavailable("Too many connections."))
            return
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; a request that is not whole afterwards has a limited time."""
        if self._refused:
            return
        was_open = self._head_open
        self._unset_keepalive_if_required()
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self.send_400_response("")
            return
        if self._complete:
            self._stop_timer()
            return
        if self._timer is None:
            self._start_timer()
        if was_open and self._head_open:
            self._open_bytes += len(data)
            if self._open_bytes > MAX_HEAD_BYTES:
                self.send_400_response("")

    def _feed(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as upgrade:
                rest = rest[upgrade.args[0] :]
                self._read_on()
            else:
                return

    def _read_on(self) -> None:
        """Read the body, and what follows, with a parser that knows nothing of an upgrade."""
        framing = b"".join(
            b"%s: %s\r\n" % header
            for header in self.scope["headers"]
            if header[0] in (b"content-length", b"transfer-encoding")
        )
        self.parser = httptools.HttpRequestParser(self)
        self._reading_on = True
        self.parser.feed_data(b"POST / HTTP/1.1\r\n%s\r\n" % framing)
        self._reading_on = False

    def on_message_begin(self) -> None:
        """Begin to count."""
        if self._reading_on:
            return
        self._head_bytes = self._open_bytes = 0
        self._head_open = True
        self._complete = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """End the request, unless its body is still to be read."""
        if not self.parser.should_upgrade():
            self._complete = True
            super().on_message_complete()

    def on_url(self, url: bytes) -> None:
        """Count the request's target."""
        if self._reading_on:
            return
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count one header, or one trailer."""
        if self._reading_on:
            return
        self._count(len(name) + len(value) + _PER_HEADER)
        if len(self.headers) >= MAX_HEADERS:
            raise _HeadTooLarge
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin the request; what comes after its body is no header of it."""
        if self._reading_on:
            return
        self._head_open = False
        super().on_headers_complete()
        self.headers = []

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        """Refuse what is not HTTP, or has a header that is too large."""
        large = max(self._head_bytes, self._open_bytes) > MAX_HEAD_BYTES
        if large or len(self.headers or ()) >= MAX_HEADERS:
            self._refuse(
                Refused(
                    "headers-too-large",
                    f"At most {MAX_HEADERS} headers of {MAX_HEAD_BYTES} bytes are accepted.",
                )
            )
        else:
            self._refuse(Refused("malformed-request", "This is not valid HTTP."))

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            raise _HeadTooLarge

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(REQUEST_SECONDS, self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self.pipeline or (self._head_open and self._answering()):
            self._start_timer()  # an earlier request is still being answered: let it end
        else:
            self._refuse(Refused("timeout", "The request did not arrive in time."))

    def _answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn begins with None
        return cycle is not None and not cycle.response_complete

    def _refuse(self, refused: Refused) -> None:
        """Close the connection, with an answer unless one has begun or is not awaited any more."""
        self._refused = True
        if self.transport.is_closing():
            return
        if not self._head_open and self._answering() and not self.cycle.response_started:
            self.cycle.response_started = True  # this is the answer; the application gets none out
            self.transport.write(_response(refused))
        elif self._head_open and not self._answering():
            self.transport.write(_response(refused))
        _log.info("connection refused", extra={"why": refused.kind})
        self.transport.close()


def _response(refused: Refused) -> bytes:
    body = refused.body()
    lines = [b"%s: %s\r\n" % header for header in refused.head(len(body))]
    return b"HTTP/1.1 %d %s\r\n%sconnection: close\r\n\r\n%s" % (
        refused.status,
        refused.title.encode(),
        b"".join(lines),
        body,
    )
