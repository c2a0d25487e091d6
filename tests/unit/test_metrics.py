"""The set of metrics is closed, cheap to count in, and bounded in what it remembers."""

from __future__ import annotations

import re

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from crossdock.mesh.telemetry import (
    BusMetrics,
    ClaimMetrics,
    ComponentMetrics,
    DataMetrics,
    DestinationMetrics,
    GatewayMetrics,
    GroupMetrics,
    Metrics,
    OrderMetrics,
    ProjectMetrics,
    RouteMetrics,
    SourceMetrics,
)
from crossdock.mesh.telemetry import definitions as d
from crossdock.mesh.telemetry.metrics import MOST_VALUES
from crossdock.mesh.telemetry.process_metrics import ProcessMetrics

UNITS = (
    "_messages",
    "_seconds",
    "_reconnects",
    "_connected",
    "_halted",
    "_paused",
    "_open",
    "_info",
    "_revision",
    "_problems",
    "_groups",
    "_members",
    "_instances",
    "_steps",
    "_compensations",
    "_active",
    "_keys",
    "_objects",
    "_bytes",
)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> Metrics:
    return Metrics(registry, "demo", "router")


def value(registry: CollectorRegistry, name: str, component: str, **more: str) -> float | None:
    base = {"mesh": "demo", "service": "router", "component": component}
    return registry.get_sample_value(name, base | more)


def exposed(registry: CollectorRegistry) -> dict[str, set[str]]:
    """Our series by name with the names of their labels, read by the client's own parser."""
    families = text_string_to_metric_families(generate_latest(registry).decode())
    samples = [sample for family in families for sample in family.samples]
    return {s.name: set(s.labels) for s in samples if not s.name.startswith("process_")}


def bind_everything(metrics: Metrics) -> None:
    GatewayMetrics.of(metrics).accepted.inc("sales.order.placed")
    GatewayMetrics.of(metrics).refused("invalid")
    BusMetrics.of(metrics).failed.inc("Retry")
    ClaimMetrics.of(metrics).held.inc("stored")
    DataMetrics.of(metrics)
    ComponentMetrics.of(metrics, "r")
    RouteMetrics.of(metrics, "r").sent.inc("billing")
    GroupMetrics.of(metrics, "r").completed.inc("size")
    bind_process(ProcessMetrics.of(metrics, "r"))
    DestinationMetrics.of(metrics, "r")
    OrderMetrics.of(metrics, "r")
    SourceMetrics.of(metrics, "r")
    ProjectMetrics.of(metrics, "router")
    metrics.gauge(d.LEDGER_MISSING, "r")


def bind_process(process: ProcessMetrics) -> None:
    process.ended.inc("done")
    process.steps.inc("message")
    process.instances({"done": 1})


def test_every_name_is_plain_and_ends_in_its_unit() -> None:
    for each in d.ALL:
        assert re.fullmatch(r"crossdock_[a-z]+(_[a-z]+)*", each.name)
        assert each.name.endswith(UNITS), each.name
        assert each.help.endswith(".")
        assert bool(each.buckets) == (each.kind == "histogram")


def test_the_set_holds_every_definition_once() -> None:
    defined = [each for each in vars(d).values() if isinstance(each, d.Definition)]

    assert sorted(each.name for each in d.ALL) == sorted(each.name for each in defined)
    assert len({each.name for each in d.ALL}) == len(d.ALL)


def test_the_handles_expose_the_whole_set_and_nothing_else(
    registry: CollectorRegistry, metrics: Metrics
) -> None:
    bind_everything(metrics)

    seen = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exposed(registry)}

    assert seen == {each.series for each in d.ALL}


def test_every_series_carries_mesh_service_and_component(
    registry: CollectorRegistry, metrics: Metrics
) -> None:
    bind_everything(metrics)

    assert all(set(d.BASE_LABELS) <= labels for labels in exposed(registry).values())


def test_memory_and_start_of_the_process_are_shown(metrics: Metrics) -> None:
    shown = generate_latest(metrics.registry).decode()

    assert "\nprocess_resident_memory_bytes " in shown
    assert "\nprocess_start_time_seconds " in shown


def test_a_handle_counts_a_batch_in_one_step(registry: CollectorRegistry, metrics: Metrics) -> None:
    route = RouteMetrics.of(metrics, "orders")

    route.taken.inc(500)
    route.routed.inc(480)
    route.filtered.inc(17)
    route.dead.inc(1)
    route.in_flight.set(2)

    assert value(registry, "crossdock_route_in_messages_total", "orders") == 500
    assert value(registry, "crossdock_route_out_messages_total", "orders") == 480
    assert value(registry, "crossdock_route_filtered_messages_total", "orders") == 17
    assert value(registry, "crossdock_route_dead_messages_total", "orders") == 1
    assert value(registry, "crossdock_route_in_flight_messages", "orders") == 2


def test_two_handles_of_one_component_count_together(
    registry: CollectorRegistry, metrics: Metrics
) -> None:
    SourceMetrics.of(metrics, "meters").received.inc(2)
    SourceMetrics.of(metrics, "meters").received.inc(3)

    assert value(registry, "crossdock_source_received_messages_total", "meters") == 5


def test_i8_values_beyond_the_bound_are_counted_as_other(
    registry: CollectorRegistry, metrics: Metrics
) -> None:
    sent = RouteMetrics.of(metrics, "orders").sent
    for number in range(MOST_VALUES + 20):
        sent.inc(f"d{number}")

    name = "crossdock_route_sent_messages_total"
    assert value(registry, name, "orders", destination="other") == 20
    assert value(registry, name, "orders", destination="d3") == 1
    assert generate_latest(registry).decode().count(f"{name}{{") == MOST_VALUES + 1


def test_a_component_that_is_gone_leaves_no_series_and_harms_no_other(
    registry: CollectorRegistry, metrics: Metrics
) -> None:
    for name in ("gone", "stays"):
        ComponentMetrics.of(metrics, name).halted.set(1)
        RouteMetrics.of(metrics, name).sent.inc("billing")

    metrics.forget("gone")

    assert 'component="gone"' not in generate_latest(registry).decode()
    assert value(registry, "crossdock_component_halted", "stays") == 1


def test_nothing_is_registered_where_nobody_asked(metrics: Metrics) -> None:
    from prometheus_client import REGISTRY  # noqa: PLC0415 - the global one, looked at only here

    bind_everything(metrics)

    assert not any(name.startswith("crossdock") for name in exposed(REGISTRY))


def test_a_metric_is_used_as_what_it_is(metrics: Metrics) -> None:
    with pytest.raises(TypeError, match="crossdock_pending_messages is a gauge"):
        metrics.counter(d.PENDING, "orders")


def test_a_label_value_of_any_text_cannot_break_the_exposition(
    registry: CollectorRegistry, metrics: Metrics
) -> None:
    hostile = 'a"} 1\ncrossdock_component_halted 1\n# \\'
    RouteMetrics.of(metrics, hostile).taken.inc()

    families = text_string_to_metric_families(generate_latest(registry).decode())
    found = [s.labels["component"] for f in families for s in f.samples if "route_in_m" in s.name]

    assert found == [hostile]
