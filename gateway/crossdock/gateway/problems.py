"""How the gateway says no: RFC 9457 problem details, one shape for every refusal.

This is the only place where the instructions of :mod:`crossdock.contracts.errors` become HTTP.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from crossdock.contracts import CrossdockError, Disconnected, Problem, Reject, Retry
from crossdock.gateway.asgi import Header, Send

_MEDIA_TYPE: Final = b"application/problem+json"
_RETRY_AFTER: Final = 1.0
_MOST_ERRORS: Final = 1000  # I8

# What may be refused: the last part of the problem's type, its status and its title.
KINDS: Final[dict[str, tuple[int, str]]] = {
    "malformed-request": (400, "The request is malformed"),
    "invalid-data": (400, "The data does not fit its contract"),
    "unauthorized": (401, "No valid API key"),
    "forbidden": (403, "The client may not do this"),
    "unknown-contract": (404, "There is no such contract"),
    "not-found": (404, "There is nothing here"),
    "no-reply": (404, "There is no reply"),
    "method-not-allowed": (405, "This method is not allowed here"),
    "timeout": (408, "The request did not arrive in time"),
    "too-large": (413, "The request body is too large"),
    "unsupported-media-type": (415, "This media type is not accepted here"),
    "headers-too-large": (431, "The request's header is too large"),
    "internal": (500, "The gateway failed"),
    "not-answered": (502, "The request could not be answered"),
    "invalid-reply": (502, "The reply does not fit its contract"),
    "unavailable": (503, "The mesh cannot take the message now"),
}

# What makes a problem document with errors JSON Schema's "basic" output at the same time.
_LOCATED: Final = {"valid": False, "instanceLocation": "", "keywordLocation": ""}


class Refused(Exception):
    """A request that is answered with a problem.

    Attributes:
        kind: Key of the table of kinds above.
        detail: What is wrong with this request and what to do; no payload, no secret (I6).
        errors: Every single problem, when there are several.
        headers: Response headers that belong to the refusal.
        contract: Name of the contract that it is about, ``""`` when none that exists is.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        errors: Sequence[Problem] = (),
        headers: Sequence[Header] = (),
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.status, self.title = KINDS[kind]
        self.detail = detail
        self.errors = errors
        self.headers = headers
        self.contract = ""

    def body(self) -> bytes:
        """Return the problem document."""
        document: dict[str, object] = {
            "type": f"urn:crossdock:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document |= _LOCATED | {"errors": [_unit(each) for each in self.errors[:_MOST_ERRORS]]}
        return msgspec.json.encode(document)

    def head(self, length: int) -> list[Header]:
        """Return the response headers for a body of this length."""
        return [
            (b"content-type", _MEDIA_TYPE),
            (b"content-length", b"%d" % length),
            (b"cache-control", b"no-store"),
            *self.headers,
        ]


def _unit(problem: Problem) -> dict[str, object]:
    """Return an error that is also an output unit of JSON Schema (draft 2020-12, 12.4.2)."""
    unit: dict[str, object] = {
        "pointer": problem.pointer,
        "keyword": problem.keyword,
        "message": problem.message,
        "valid": False,
        "instanceLocation": problem.pointer,
        "keywordLocation": problem.keyword_location,
        "error": problem.message,
    }
    if problem.absolute_keyword_location:
        unit["absoluteKeywordLocation"] = problem.absolute_keyword_location
    return unit


def unauthorized(detail: str) -> Refused:
    """Refuse a caller that no valid key came with."""
    challenge = (b"www-authenticate", b'Bearer realm="crossdock"')
    return Refused("unauthorized", detail, headers=(challenge,))


def unavailable(detail: str, after: float | None = None) -> Refused:
    """Refuse for now; the caller may come again after some seconds, at least one."""
    seconds = max(1, math.ceil(_RETRY_AFTER if after is None else after))
    return Refused("unavailable", detail, headers=((b"retry-after", b"%d" % seconds),))


def refusal_of(error: CrossdockError) -> Refused:
    """Translate an instruction to the runtime into an answer to the caller."""
    if isinstance(error, Disconnected):
        return unavailable("The broker cannot be reached. Send the message again.")
    if isinstance(error, Retry):
        return unavailable("The mesh did not take the message. Send it again.", error.after)
    if isinstance(error, Reject):
        return Refused("invalid-data", error.reason, errors=error.problems)
    return unavailable("The gateway is halted. Ask whoever runs the mesh.", 30)


async def send_refusal(send: Send, refused: Refused) -> None:
    """Answer a request with a problem."""
    body = refused.body()
    headers = refused.head(len(body))
    if refused.status in {408, 413}:  # what is left of the body is not read
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
