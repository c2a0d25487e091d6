"""Connects a component to its metrics."""

from __future__ import annotations

from typing import Protocol

from prometheus_client import Counter, Gauge

from crossdock.mesh.component import Event, Observer
from crossdock.mesh.components import Runner
from crossdock.mesh.control import Permit
from crossdock.mesh.telemetry import ComponentMetrics


class ConsumedMetrics(Protocol):
    """What the consuming loop counts of a route or a destination."""

    @property
    def taken(self) -> Counter: ...  # noqa: D102 - see RouteMetrics and DestinationMetrics
    @property
    def dead(self) -> Counter: ...  # noqa: D102
    @property
    def retried(self) -> Counter: ...  # noqa: D102
    @property
    def in_flight(self) -> Gauge: ...  # noqa: D102


def observer(counts: ConsumedMetrics) -> Observer:
    """Return what counts the events of the consuming loop (I9)."""
    counters = {"taken": counts.taken, "dead": counts.dead, "retried": counts.retried}

    def observe(event: Event, count: int) -> None:
        counters[event].inc(count)

    return observe


class Holder(Protocol):
    """Something that works on messages."""

    def held(self) -> int:
        """Return how many it works on."""


def show_held(counts: ConsumedMetrics, consuming: Holder) -> None:
    """Keep the in-flight gauge at what the loop holds."""
    counts.in_flight.set_function(consuming.held)


def show_permit(metrics: ComponentMetrics, permit: Permit) -> None:
    """Keep the gauges of a component at what operators allow it."""
    metrics.paused.set_function(lambda: float(permit.state != "running"))
    metrics.rate_limit.set_function(lambda: permit.rate or 0.0)


def show_state(metrics: ComponentMetrics, runner: Runner) -> None:
    """Keep the gauges of a component at its state."""
    metrics.halted.set_function(lambda: float(runner.state == "halted"))
    metrics.breaker_open.set_function(lambda: float(runner.state == "paused"))
