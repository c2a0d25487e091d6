"""``/docs``: the gateway's documentation in a browser, without a script that holds a key.

A browser cannot put a key into a header by itself. So the page asks for it, and the answer to that
form is the documentation: the key is in one request's body, and in no address, cookie or storage.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs

from crossdock.gateway.asgi import Header, Receive, Scope, Send
from crossdock.gateway.conditional import answer_document
from crossdock.gateway.docs_page import docs_page, key_page, page_policy
from crossdock.gateway.documents import Document
from crossdock.gateway.ingress import Ingress
from crossdock.gateway.problems import Refused
from crossdock.gateway.reads import Reads
from crossdock.gateway.request_body import read_body
from crossdock.gateway.request_head import headers_of, media_type
from crossdock.mesh.catalogue.description import MeshDescription

PATH: Final = "/docs"
_HTML: Final = b"text/html; charset=utf-8"
_FORM: Final = "application/x-www-form-urlencoded"
_MOST_BYTES: Final = 1024


class DocsPage:
    """Shows the documentation to who has a key, and to others the form that asks for it."""

    def __init__(self, ingress: Ingress, reads: Reads) -> None:
        self._ingress = ingress
        self._reads = reads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            Refused: What was posted is not the form, or is too large.
            Gone: The caller hung up before its body was complete.
        """
        headers = headers_of(scope)
        posted = scope["method"] == "POST"
        given = await _key_in_form(headers, receive) if posted else headers
        try:
            client = self._ingress.doors.identify(given)
        except Refused as refused:
            await _send_page(send, refused.status, key_page(refused=given is not headers))
            return
        document = await self._reads.document(self._make, client)
        if posted:
            await _send_page(send, 200, document.body.decode())
        else:
            await answer_document(headers, send, document, _security())

    def _make(self, description: MeshDescription) -> Document:
        return Document.of(docs_page(description, self._ingress.settings).encode(), _HTML)


async def _key_in_form(headers: dict[bytes, bytes], receive: Receive) -> dict[bytes, bytes]:
    """Return the headers that a program would have sent instead of the form."""
    if media_type(headers.get(b"content-type")) != _FORM:
        raise Refused("unsupported-media-type", f"Send the form, as {_FORM}.")
    body = await read_body(receive, headers, _MOST_BYTES)
    try:
        fields = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=2)
    except ValueError as error:
        raise Refused("malformed-request", "This is not the form of this page.") from error
    return {b"x-api-key": fields.get("key", [""])[0].strip().encode()}


async def _send_page(send: Send, status: int, page: str) -> None:
    body = page.encode()
    headers: list[Header] = [
        (b"content-type", _HTML),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *_security(),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _security() -> list[Header]:
    return [
        (b"content-security-policy", page_policy().encode()),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
    ]
