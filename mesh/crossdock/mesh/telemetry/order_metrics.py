"""What a component with an order key shows (I7)."""

from __future__ import annotations

import msgspec
from prometheus_client import Gauge

from crossdock.mesh.telemetry import definitions as d
from crossdock.mesh.telemetry.metrics import Metrics


class OrderMetrics(msgspec.Struct, frozen=True):
    """The gauges of one route or destination.

    Attributes:
        active: Whether this replica is the one that works.
        waiting_keys: Keys whose first message has to be tried again.
        oldest_wait: Seconds for which the first of them has been waiting.
    """

    active: Gauge
    waiting_keys: Gauge
    oldest_wait: Gauge

    @classmethod
    def of(cls, metrics: Metrics, component: str) -> OrderMetrics:
        """Bind the series of a route or destination."""
        return cls(
            active=metrics.gauge(d.ORDER_ACTIVE, component),
            waiting_keys=metrics.gauge(d.ORDER_WAITING, component),
            oldest_wait=metrics.gauge(d.ORDER_OLDEST, component),
        )
