"""Counting: one :class:`Metrics` per process, one frozen handle per component.

A handle holds the series of its component, found once; so a hot loop adds to them once per batch
and looks nothing up. Counting never fails and never waits.

The ledger (I9) holds for each process at any time between two batches::

    route:        in       = out + filtered + grouped + dead + retried + in flight
    destination:  in       = delivered + duplicate + expired + tested + dead + retried + in flight
    source:       received = published + refused + retried + in flight
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib import metadata
from typing import Final, TypeVar

import msgspec
import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.metrics import MetricWrapperBase

from crossdock.mesh.telemetry import definitions as d
from crossdock.mesh.telemetry.definition import Definition
from crossdock.mesh.telemetry.definitions import BASE_LABELS

MOST_VALUES: Final = 1000
OTHER: Final = "other"
_Child = TypeVar("_Child", Counter, Gauge, Histogram)


class Metrics:
    """The metrics of one process, in the registry that is passed in; one for each registry.

    Memory, processor time and start of the process (``process_…``) are shown beside ours.

    Attributes:
        registry: What the metrics endpoint shows.
    """

    def __init__(self, registry: CollectorRegistry, mesh: str, service: str) -> None:
        # The library's extra "_created" series doubles what is scraped and says nothing new.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # not typed
        ProcessCollector(registry=registry)
        self.registry = registry
        self._mesh = mesh
        self._service = service
        self._collectors: dict[str, MetricWrapperBase] = {}
        version, python = metadata.version("crossdock"), platform.python_version()
        self.gauge(d.BUILD_INFO, service, version, python).set(1)

    def counter(self, definition: Definition, component: str, *values: str) -> Counter:
        """Return a component's series of a counter; values are those of the further labels."""
        return self._child(Counter, definition, component, values)

    def gauge(self, definition: Definition, component: str, *values: str) -> Gauge:
        """Return a component's series of a gauge; values are those of the further labels."""
        return self._child(Gauge, definition, component, values)

    def histogram(self, definition: Definition, component: str) -> Histogram:
        """Return a component's series of a histogram."""
        return self._child(Histogram, definition, component, ())

    def forget(self, component: str) -> None:
        """Remove every series of a component that is gone, so that it raises no alarm for ever."""
        base = {"mesh": self._mesh, "service": self._service, "component": component}
        for collector in self._collectors.values():
            collector.remove_by_labels(base)

    def _child(
        self, kind: type[_Child], definition: Definition, component: str, values: tuple[str, ...]
    ) -> _Child:
        collector = self._collectors.get(definition.name)
        if collector is None:
            collector = self._collectors[definition.name] = self._create(definition)
        if not isinstance(collector, kind):
            raise TypeError(f"{definition.name} is a {definition.kind}")
        return collector.labels(self._mesh, self._service, component, *values)

    def _create(self, definition: Definition) -> Counter | Gauge | Histogram:
        name, text, labels = definition.name, definition.help, BASE_LABELS + definition.labels
        match definition.kind:
            case "counter":
                return Counter(name, text, labels, registry=self.registry)
            case "gauge":
                return Gauge(name, text, labels, registry=self.registry)
            case "histogram":
                return Histogram(
                    name, text, labels, registry=self.registry, buckets=definition.buckets
                )


class Labelled:
    """Counters of one component by one more label, found once for each value.

    Values beyond :data:`MOST_VALUES` are counted together as ``other`` (I8).
    """

    __slots__ = ("_bind", "_children")

    def __init__(self, bind: Callable[[str], Counter]) -> None:
        self._bind = bind
        self._children: dict[str, Counter] = {}

    def inc(self, value: str, amount: float = 1) -> None:
        """Add to the counter of a value."""
        child = self._children.get(value)
        if child is None:
            known = value if len(self._children) < MOST_VALUES else OTHER
            child = self._children[known] = self._children.get(known) or self._bind(known)
        child.inc(amount)


class GatewayMetrics(msgspec.Struct, frozen=True):
    """What the gateway counts.

    Attributes:
        accepted: By contract.
        metrics: Where the series of refusals are found; refusing is not the hot path.
        component: Name of the gateway.
    """

    accepted: Labelled
    metrics: Metrics
    component: str

    @classmethod
    def of(cls, metrics: Metrics, component: str = "gateway") -> GatewayMetrics:
        """Bind the series of a gateway."""
        return cls(
            Labelled(lambda contract: metrics.counter(d.GATEWAY_ACCEPTED, component, contract)),
            metrics,
            component,
        )

    def refused(self, reason: str, contract: str = "", amount: int = 1) -> None:
        """Count refusals.

        Args:
            reason: One of the gateway's own words (``invalid``, ``too-large``), never a caller's.
            contract: Name of a contract that exists, ``""`` when there is none: a name that a
                caller made up must not become a series (I8).
            amount: How many messages.
        """
        self.metrics.counter(d.GATEWAY_REFUSED, self.component, contract, reason).inc(amount)


class BusMetrics(msgspec.Struct, frozen=True):
    """What the bus counts."""

    seconds: Histogram
    batch: Histogram
    duplicates: Counter
    failed: Labelled
    connected: Gauge
    reconnects: Counter

    @classmethod
    def of(cls, metrics: Metrics, component: str = "bus") -> BusMetrics:
        """Bind the series of a bus."""
        return cls(
            seconds=metrics.histogram(d.PUBLISH_SECONDS, component),
            batch=metrics.histogram(d.PUBLISH_BATCH, component),
            duplicates=metrics.counter(d.PUBLISH_DUPLICATES, component),
            failed=Labelled(lambda name: metrics.counter(d.PUBLISH_FAILURES, component, name)),
            connected=metrics.gauge(d.BROKER_CONNECTED, component),
            reconnects=metrics.counter(d.BROKER_RECONNECTS, component),
        )


class ProjectMetrics(msgspec.Struct, frozen=True):
    """What a service shows of the project that it runs."""

    revision: Gauge
    problems: Gauge

    @classmethod
    def of(cls, metrics: Metrics, service: str) -> ProjectMetrics:
        """Bind the series of a service."""
        return cls(
            revision=metrics.gauge(d.PROJECT_REVISION, service),
            problems=metrics.gauge(d.PROJECT_PROBLEMS, service),
        )


class ComponentMetrics(msgspec.Struct, frozen=True):
    """What is known of every route, sink and source."""

    halted: Gauge
    breaker_open: Gauge
    paused: Gauge
    rate_limit: Gauge
    pending: Gauge

    @classmethod
    def of(cls, metrics: Metrics, component: str) -> ComponentMetrics:
        """Bind the series of a component."""
        return cls(
            halted=metrics.gauge(d.COMPONENT_HALTED, component),
            breaker_open=metrics.gauge(d.BREAKER_OPEN, component),
            paused=metrics.gauge(d.PAUSED, component),
            rate_limit=metrics.gauge(d.RATE_LIMIT, component),
            pending=metrics.gauge(d.PENDING, component),
        )


class RouteMetrics(msgspec.Struct, frozen=True):
    """What a route counts; see the ledger above."""

    taken: Counter
    routed: Counter
    filtered: Counter
    dead: Counter
    grouped: Counter
    retried: Counter
    in_flight: Gauge
    sent: Labelled
    seconds: Histogram

    @classmethod
    def of(cls, metrics: Metrics, route: str) -> RouteMetrics:
        """Bind the series of a route."""
        return cls(
            taken=metrics.counter(d.ROUTE_IN, route),
            routed=metrics.counter(d.ROUTE_OUT, route),
            filtered=metrics.counter(d.ROUTE_FILTERED, route),
            dead=metrics.counter(d.ROUTE_DEAD, route),
            grouped=metrics.counter(d.ROUTE_GROUPED, route),
            retried=metrics.counter(d.ROUTE_RETRIED, route),
            in_flight=metrics.gauge(d.ROUTE_IN_FLIGHT, route),
            sent=Labelled(lambda destination: metrics.counter(d.ROUTE_SENT, route, destination)),
            seconds=metrics.histogram(d.ROUTE_SECONDS, route),
        )


class GroupMetrics(msgspec.Struct, frozen=True):
    """What is counted of the groups of a route."""

    opened: Counter
    completed: Labelled
    members: Histogram

    @classmethod
    def of(cls, metrics: Metrics, route: str) -> GroupMetrics:
        """Bind the series of a route."""
        return cls(
            opened=metrics.counter(d.GROUPS_OPENED, route),
            completed=Labelled(lambda reason: metrics.counter(d.GROUPS_COMPLETED, route, reason)),
            members=metrics.histogram(d.GROUP_MEMBERS, route),
        )


class DestinationMetrics(msgspec.Struct, frozen=True):
    """What a sink counts; see the ledger above."""

    taken: Counter
    delivered: Counter
    duplicate: Counter
    expired: Counter
    tested: Counter
    dead: Counter
    retried: Counter
    in_flight: Gauge
    seconds: Histogram

    @classmethod
    def of(cls, metrics: Metrics, destination: str) -> DestinationMetrics:
        """Bind the series of a destination."""
        return cls(
            taken=metrics.counter(d.DESTINATION_IN, destination),
            delivered=metrics.counter(d.DESTINATION_DELIVERED, destination),
            duplicate=metrics.counter(d.DESTINATION_DUPLICATE, destination),
            expired=metrics.counter(d.DESTINATION_EXPIRED, destination),
            tested=metrics.counter(d.DESTINATION_TESTED, destination),
            dead=metrics.counter(d.DESTINATION_DEAD, destination),
            retried=metrics.counter(d.DESTINATION_RETRIED, destination),
            in_flight=metrics.gauge(d.DESTINATION_IN_FLIGHT, destination),
            seconds=metrics.histogram(d.DESTINATION_SECONDS, destination),
        )


class SourceMetrics(msgspec.Struct, frozen=True):
    """What a source counts; see the ledger above."""

    received: Counter
    published: Counter
    refused: Counter
    retried: Counter
    in_flight: Gauge

    @classmethod
    def of(cls, metrics: Metrics, worker: str) -> SourceMetrics:
        """Bind the series of a source worker."""
        return cls(
            received=metrics.counter(d.SOURCE_RECEIVED, worker),
            published=metrics.counter(d.SOURCE_PUBLISHED, worker),
            refused=metrics.counter(d.SOURCE_REFUSED, worker),
            retried=metrics.counter(d.SOURCE_RETRIED, worker),
            in_flight=metrics.gauge(d.SOURCE_IN_FLIGHT, worker),
        )
