"""The OpenTelemetry SDK, set up to send spans by OTLP over HTTP."""

from __future__ import annotations

import uuid
from importlib import metadata
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

_MOST_SPANS: Final = 4096
_LONGEST_VALUE: Final = 256


def provider(service: str, mesh: str) -> TracerProvider:
    """Return a provider that exports in the background to where the environment says.

    Args:
        service: ``gateway``, ``router`` or ``worker``.
        mesh: Name of the mesh.
    """
    resource = Resource.create(
        {
            "service.name": f"crossdock-{service}",
            "service.namespace": mesh,
            "service.version": metadata.version("crossdock"),
            "service.instance.id": str(uuid.uuid4()),
        }
    )
    result = TracerProvider(
        sampler=ALWAYS_ON,  # the decision is in the traceparent; what is not sampled has no span
        resource=resource,
        shutdown_on_exit=False,  # the service flushes, with a limit
        span_limits=SpanLimits(max_attribute_length=_LONGEST_VALUE),
    )
    # The queue is bounded: with the collector away the oldest spans are dropped (I8).
    result.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), max_queue_size=_MOST_SPANS))
    return result
