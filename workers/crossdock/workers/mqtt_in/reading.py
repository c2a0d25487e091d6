"""From an MQTT message to what is received: pure, no I/O."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from crossdock.workers.adapter import Received

_SHOWN: Final = 120  # characters of a topic


def read(topic: bytes, payload: bytes, *, max_payload: int, token: object) -> Received:
    """Return what a message is; what cannot be read says why.

    Args:
        topic: As it came.
        payload: As it came.
        max_payload: Most bytes of a payload; of a larger one only so many are kept.
        token: For the acknowledgement.
    """
    name = topic.decode("utf-8", "replace")
    value: Any = payload[:max_payload]
    error = _problem(topic, payload, max_payload)
    if error is None:
        try:
            decoded = msgspec.json.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            error = "the payload is not JSON"
        else:
            value = {"topic": name, "segments": name.split("/"), "payload": decoded}
    return Received(
        value=value, raw=payload[:max_payload], place=name[:_SHOWN], error=error, token=token
    )


def _problem(topic: bytes, payload: bytes, max_payload: int) -> str | None:
    if len(payload) > max_payload:
        return f"the payload has {len(payload)} bytes, max_payload is {max_payload}: it is cut"
    if not payload:
        return "the payload is empty"
    try:
        topic.decode()
    except UnicodeDecodeError:
        return "the topic is not UTF-8"
    return None
