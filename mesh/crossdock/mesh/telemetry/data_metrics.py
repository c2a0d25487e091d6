"""Counting the data that is kept apart from its messages (Claim Check)."""

from __future__ import annotations

import msgspec
from prometheus_client import Counter, Gauge, Histogram

from crossdock.mesh.telemetry import data_definitions as d
from crossdock.mesh.telemetry.metrics import Labelled, Metrics


class ClaimMetrics(msgspec.Struct, frozen=True):
    """What is counted of claim checks that a process publishes and redeems."""

    held: Labelled
    fetched: Counter
    seconds: Histogram

    @classmethod
    def of(cls, metrics: Metrics, component: str = "bus") -> ClaimMetrics:
        """Bind the series of a bus."""
        return cls(
            held=Labelled(lambda how: metrics.counter(d.DATA_HELD, component, how)),
            fetched=metrics.counter(d.DATA_FETCHED, component),
            seconds=metrics.histogram(d.DATA_SECONDS, component),
        )


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
