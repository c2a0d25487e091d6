"""From a delivery to the headers and the body of its request."""

from __future__ import annotations

from typing import Final

import msgspec

from crossdock.contracts import Reject
from crossdock.contracts.message import JSON, SPEC_VERSION, encode, is_extension
from crossdock.workers.adapter import Delivery

_ATTRIBUTES: Final = frozenset({"id", "source", "type", "dataschema", "subject", "time"})
_TRACE: Final = ("traceparent", "tracestate")


def body_of(delivery: Delivery) -> bytes:
    """Return the JSON text of what is delivered.

    Raises:
        Reject: When it is not a JSON value.
    """
    try:
        return msgspec.json.encode(delivery.value)
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise Reject("the value cannot be written as JSON") from error


def headers_of(delivery: Delivery, *, cloudevents: bool) -> dict[str, str]:
    """Return the headers that belong to one message.

    The idempotency key is the same at each attempt, so the server can have the effect once (I4).
    """
    headers = {"content-type": JSON, "idempotency-key": encode(delivery.id)}
    for name in _TRACE:
        value = delivery.attributes.get(name, "")
        if value and value.isascii() and value.isprintable():
            headers[name] = value
    if cloudevents:
        headers["ce-specversion"] = SPEC_VERSION
        headers["ce-type"] = encode(delivery.type)
        for name, value in delivery.attributes.items():
            if value and (name in _ATTRIBUTES or is_extension(name)):
                headers[f"ce-{name}"] = encode(value)
    return headers
