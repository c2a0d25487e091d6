"""Metrics, traces and logs: what a service says about itself, never about a payload (I6)."""

from crossdock.mesh.telemetry.claim_watch import ClaimWatch
from crossdock.mesh.telemetry.data_metrics import ClaimMetrics, DataMetrics
from crossdock.mesh.telemetry.logs import configure_logging, log_unhandled
from crossdock.mesh.telemetry.metrics import (
    BusMetrics,
    ComponentMetrics,
    DestinationMetrics,
    GatewayMetrics,
    GroupMetrics,
    Metrics,
    ProjectMetrics,
    RouteMetrics,
    SourceMetrics,
)
from crossdock.mesh.telemetry.order_metrics import OrderMetrics
from crossdock.mesh.telemetry.steps import Step, keeping, processing, receiving, sending, serving
from crossdock.mesh.telemetry.trace_context import is_sampled, new_traceparent, trace_id
from crossdock.mesh.telemetry.tracing import Hop, Tracing, configure_tracing

__all__ = [
    "BusMetrics",
    "ClaimMetrics",
    "ClaimWatch",
    "ComponentMetrics",
    "DataMetrics",
    "DestinationMetrics",
    "GatewayMetrics",
    "GroupMetrics",
    "Hop",
    "Metrics",
    "OrderMetrics",
    "ProjectMetrics",
    "RouteMetrics",
    "SourceMetrics",
    "Step",
    "Tracing",
    "configure_logging",
    "configure_tracing",
    "is_sampled",
    "keeping",
    "log_unhandled",
    "new_traceparent",
    "processing",
    "receiving",
    "sending",
    "serving",
    "trace_id",
]
