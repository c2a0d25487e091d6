"""What the gateway reads of a request's header, bounded and checked.

Nothing else crosses into the mesh: a caller cannot set a NATS header, a subject or a reply.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from crossdock.gateway.asgi import Header, Scope
from crossdock.gateway.problems import Refused

_IDEMPOTENCY_KEY: Final = re.compile(r"[!-~](?:[ -~]{0,253}[!-~])?\Z")
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}\Z")
_CHARSET: Final = re.compile(r";\s*charset\s*=\s*\"?([^\";\s]*)", re.IGNORECASE)
_LONGEST_CONTENT_TYPE: Final = 255
_ONCE: Final = frozenset(
    {
        b"authorization",
        b"content-encoding",
        b"crossdock-test",
        b"content-type",
        b"idempotency-key",
        b"traceparent",
        b"x-api-key",
    }
)


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """Return the request's headers by lower-case name.

    Raises:
        Refused: When a header that decides something is there twice; no guess which one counts.
    """
    pairs: list[Header] = scope["headers"]
    headers = dict(pairs)
    if len(headers) != len(pairs):
        _refuse_repeated(name for name, _ in pairs)
    return headers


def _refuse_repeated(names: Iterable[bytes]) -> None:
    seen: set[bytes] = set()
    for name in names:
        if name in seen and (name in _ONCE or name.startswith(b"ce-")):
            raise Refused(
                "malformed-request", f"The header {name.decode('latin-1')} is there more than once."
            )
        seen.add(name)


def refuse_compressed(headers: dict[bytes, bytes]) -> None:
    """Refuse a compressed body: its size after unpacking would be the sender's choice (I8)."""
    coding = headers.get(b"content-encoding")
    if coding is not None and coding.strip().lower() not in {b"", b"identity"}:
        raise Refused(
            "unsupported-media-type",
            "Compressed bodies are not accepted. Send it without content-encoding.",
            headers=((b"accept-encoding", b"identity"),),
        )


@lru_cache(maxsize=256)
def media_type(value: bytes | None) -> str:
    """Return the media type in a content-type header, in lower case and without parameters.

    Raises:
        Refused: When there is none, it is malformed, or its charset is not UTF-8.
    """
    if not value or len(value) > _LONGEST_CONTENT_TYPE:
        raise Refused(
            "unsupported-media-type", "Say what the body is: content-type: application/json."
        )
    text = value.decode("latin-1")
    found = text.partition(";")[0].strip().lower()
    if not _MEDIA_TYPE.match(found):
        raise Refused("unsupported-media-type", "The content-type is not a media type.")
    charset = _CHARSET.search(text)
    if charset is not None and charset[1].lower() not in {"utf-8", "us-ascii"}:
        raise Refused("unsupported-media-type", "Only UTF-8 is accepted as charset.")
    return found


def is_json(found: str) -> bool:
    """Tell whether a media type, without parameters, is JSON."""
    return found == "application/json" or found.endswith("+json")


def json_type(headers: dict[bytes, bytes]) -> str:
    """Return the media type of a body that has to be plain JSON.

    Raises:
        Refused: When it is anything else.
    """
    found = media_type(headers.get(b"content-type"))
    if not is_json(found):
        raise Refused("unsupported-media-type", f"{found} is not JSON: send application/json.")
    return found


def idempotency_key(headers: dict[bytes, bytes]) -> str | None:
    """Return the Idempotency-Key, or None when the caller sent none.

    Raises:
        Refused: When it is not 1 to 255 printable ASCII characters.
    """
    value = headers.get(b"idempotency-key")
    if value is None:
        return None
    text = value.decode("latin-1")
    if not _IDEMPOTENCY_KEY.match(text):
        raise Refused(
            "malformed-request",
            "The Idempotency-Key must be 1 to 255 printable ASCII characters.",
        )
    return text
