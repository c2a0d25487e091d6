"""What spans are called and which attributes they have: OpenTelemetry's semantic conventions.

A :class:`Step` is made once per component. There is no way to give a span any other attribute, so
no payload can come into a trace (I6).
"""

from __future__ import annotations

from typing import Final

import msgspec
from opentelemetry.trace import SpanKind

SYSTEM: Final = "nats"


class Step(msgspec.Struct, frozen=True):
    """One kind of work that is recorded as a span.

    Attributes:
        name: Name of the span; of low cardinality.
        kind: Its part in the conversation.
        attributes: What is the same for every span of this step.
    """

    name: str
    kind: SpanKind
    attributes: dict[str, str]


def sending(subject: str) -> Step:
    """Describe publishing to a subject: the span becomes the parent of whoever takes it."""
    return _messaging("publish", "send", SpanKind.PRODUCER, subject)


def receiving(subject: str, consumer: str) -> Step:
    """Describe taking a batch from a durable consumer."""
    return _messaging("fetch", "receive", SpanKind.CLIENT, subject, consumer)


def processing(subject: str, consumer: str) -> Step:
    """Describe the work of a route or a sink on one message.

    Args:
        subject: What the component consumes, with its wildcards: never one message's.
        consumer: Name of the durable consumer.
    """
    return _messaging("process", "process", SpanKind.CONSUMER, subject, consumer)


def serving(method: str, route: str) -> Step:
    """Describe answering an HTTP request.

    Args:
        method: Of the methods that the gateway knows.
        route: Path template, ``/v1/messages/{contract}``: never the path that was asked for.
    """
    attributes = {"http.request.method": method, "http.route": route, "url.scheme": "http"}
    return Step(f"{method} {route}", SpanKind.SERVER, attributes)


def keeping(operation: str, stream: str) -> Step:
    """Describe storing or fetching data that is kept apart from its message.

    Args:
        operation: ``put`` or ``get``.
        stream: Where it is kept.
    """
    kind = "send" if operation == "put" else "receive"
    return _messaging(operation, kind, SpanKind.CLIENT, stream)


def _messaging(
    operation: str, kind_of_operation: str, kind: SpanKind, subject: str, consumer: str = ""
) -> Step:
    attributes = {
        "messaging.system": SYSTEM,
        "messaging.operation.name": operation,
        "messaging.operation.type": kind_of_operation,
        "messaging.destination.name": subject,
    }
    if consumer:
        attributes["messaging.consumer.group.name"] = consumer
    return Step(f"{operation} {subject}", kind, attributes)
