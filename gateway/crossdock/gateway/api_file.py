"""``apis/*.yaml``: a path of its own for callers that speak their language and not ours."""

from __future__ import annotations

from typing import Literal

import msgspec

from crossdock.mesh.project.scalars import Duration

FOLDER = "apis"


class ApiReply(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The reply that a caller gets.

    Attributes:
        contract: Contract of the reply, ``name@range``.
        timeout: How long a caller waits for it, who says nothing else by ``Prefer: wait``; then it
            gets 202.
    """

    contract: str
    timeout: Duration = Duration(10)


class ApiFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of a file.

    Attributes:
        api: Name: ``a-z 0-9 _ -``.
        path: Path of requests, such as ``/shop/{shop}/orders``; what is in braces matches one
            segment.
        method: Method of requests.
        publishes: Contract of what is published, ``name@range``.
        description: For people, and for the gateway's OpenAPI document.
        map: JSONata that makes the data to publish of ``{"body", "path", "query"}`` (Message
            Translator), or the name of a ``.jsonata`` file beside; the body is the data when not
            given.
        id: JSONata over the same: what makes a repeated request the same message, a text or a
            number. An ``Idempotency-Key`` of the caller counts before it.
        reply: The caller gets the reply; without it, where the message is.
    """

    api: str
    path: str
    publishes: str
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    description: str = ""
    map: str | None = None
    id: str | None = None
    reply: ApiReply | None = None
