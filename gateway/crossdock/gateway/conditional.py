"""Answers to those who may have what they ask for already (RFC 9110, section 13.1.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from crossdock.gateway.asgi import Header, Send
from crossdock.gateway.documents import Document

_TAG: Final = re.compile(rb'(?:W/)?("[^"]*")')
# What is answered depends on whose key it is, and a key may be revoked: so a cache is the caller's
# own, and asks each time whether what it has is still right.
_CACHING: Final[list[Header]] = [
    (b"cache-control", b"private, no-cache"),
    (b"vary", b"authorization, x-api-key"),
]


async def answer_document(
    asked: dict[bytes, bytes], send: Send, document: Document, more: Sequence[Header] = ()
) -> None:
    """Answer 200 with a document, or 304 when the caller has it.

    Args:
        asked: Headers of the request.
        send: ASGI's.
        document: What was asked for.
        more: Further headers.
    """
    headers: list[Header] = [(b"etag", document.etag), *_CACHING, *more]
    body = b"" if _has(asked, document.etag) else document.body
    status = 200 if body else 304
    if body:
        headers.append((b"content-type", document.media_type))
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _has(headers: dict[bytes, bytes], etag: bytes) -> bool:
    known = headers.get(b"if-none-match")
    if known is None:
        return False
    return known.strip() == b"*" or etag in _TAG.findall(known)
