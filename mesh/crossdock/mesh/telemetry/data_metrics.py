"""Counting the data that is kept apart from its messages (Claim Check)."""

from __future__ import annotations

import msgspec
from prometheus_client import Counter, Gauge

from crossdock.mesh.telemetry import definitions as d
from crossdock.mesh.telemetry.metrics import Metrics


class DataMetrics(msgspec.Struct, frozen=True):
    """What is known of the data that is kept apart from its messages."""

    objects: Gauge
    size: Gauge
    removed: Counter

    @classmethod
    def of(cls, metrics: Metrics, component: str = "janitor") -> DataMetrics:
        """Bind the series of a janitor."""
        return cls(
            objects=metrics.gauge(d.DATA_OBJECTS, component),
            size=metrics.gauge(d.DATA_BYTES, component),
            removed=metrics.counter(d.DATA_REMOVED, component),
        )
