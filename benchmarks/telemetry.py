"""What counting and tracing cost: microseconds per call, the best of many rounds.

Run ``python benchmarks/telemetry.py``.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable

from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry, generate_latest

from crossdock.mesh.telemetry import (
    GatewayMetrics,
    Metrics,
    RouteMetrics,
    Tracing,
    new_traceparent,
    processing,
)

ROUNDS = 60


def measure(name: str, work: Callable[[], object], number: int = 5000) -> None:
    """Print the best round."""
    seconds = min(timeit.repeat(work, number=number, repeat=ROUNDS)) / number
    print(f"{name:48} {seconds * 1e6:8.3f} us")


def measure_tracing() -> None:
    """Hops without and with a span; the span is made and thrown away."""
    tracing = Tracing(0.01, TracerProvider(shutdown_on_exit=False).get_tracer("benchmark"))
    step = processing("demo.in.sales.order.placed", "orders")

    def hop(traceparent: str) -> None:
        with tracing.hop(step, traceparent, "", "id"):
            pass

    quiet, recorded = new_traceparent(0), new_traceparent(1)
    measure("hop, not sampled", lambda: hop(quiet))
    measure("hop, sampled", lambda: hop(recorded), 300)
    measure("new context at the door", lambda: new_traceparent(0.01))
    measure("caller's context at the door", lambda: tracing.accept(quiet))


def measure_metrics() -> None:
    """All counters of a route for one batch, and one counter of the gateway for one request."""
    metrics = Metrics(CollectorRegistry(), "demo", "router")
    route = RouteMetrics.of(metrics, "orders")
    gateway = GatewayMetrics.of(metrics)

    def batch() -> None:
        route.taken.inc(500)
        route.in_flight.set(500)
        route.routed.inc(450)
        route.filtered.inc(45)
        route.dead.inc(2)
        route.retried.inc(3)
        route.sent.inc("billing", 300)
        route.sent.inc("crm", 150)
        route.seconds.observe(0.02)
        route.in_flight.set(0)

    measure("route metrics, a whole batch", batch, 300)
    measure("gateway accepted, one message", lambda: gateway.accepted.inc("sales.order.placed"))
    measure("scrape of one route", lambda: generate_latest(metrics.registry), 20)


if __name__ == "__main__":
    measure_tracing()
    measure_metrics()
