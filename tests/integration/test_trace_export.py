"""Spans reach a real OTLP receiver that is not ours, over HTTP."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from crossdock.mesh.telemetry import (
    configure_tracing,
    new_traceparent,
    processing,
    sending,
    serving,
    trace_id,
)
from peers.otlp import Collector


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    collector = Collector(tmp_path)
    yield collector
    collector.stop()


def export_three_hops(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Take one message from the door over a route to a destination; return its first context."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    tracing = configure_tracing("router", "demo", 1.0)
    root = new_traceparent(1)
    with tracing.hop(serving("POST", "/v1/events"), root) as door:
        door.responded(202)
    with tracing.hop(
        processing("demo.in.sales.order.placed", "orders"), door.traceparent, message_id="m1"
    ) as route:
        pass
    with tracing.hop(sending("demo.out.billing"), route.traceparent):
        pass
    tracing.shutdown()
    return root


def test_hops_arrive_as_one_chain_with_the_service_that_made_them(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = export_three_hops(collector.endpoint, monkeypatch)

    received = collector.received(3)
    door = received.spans["POST /v1/events"]
    route = received.spans["process demo.in.sales.order.placed"]
    send = received.spans["publish demo.out.billing"]
    assert door["parent"] == root[36:52]
    assert route["parent"] == door["id"]
    assert send["parent"] == route["id"]
    assert {door["trace"], route["trace"], send["trace"]} == {trace_id(root)}
    assert (door["kind"], route["kind"], send["kind"]) == ("SERVER", "CONSUMER", "PRODUCER")
    assert "-> messaging.message.id: Str(m1)" in received.output
    assert received.resource["service.name"] == "crossdock-router"
    assert received.resource["service.namespace"] == "demo"
    assert received.resource["service.version"]


def test_what_is_not_sampled_never_leaves(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
    tracing = configure_tracing("router", "demo", 1.0)
    with tracing.hop(sending("demo.out.quiet"), new_traceparent(0)):
        pass
    with tracing.hop(sending("demo.out.loud"), new_traceparent(1)):
        pass
    tracing.shutdown()

    assert set(collector.received(1).spans) == {"publish demo.out.loud"}


def test_the_sdk_can_be_switched_off_by_its_own_variable(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")

    export_three_hops(collector.endpoint, monkeypatch)

    assert collector.received(0).spans == {}


def test_i8_a_collector_that_never_answers_delays_the_stop_no_longer_than_its_limit(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv(
            "OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}"
        )
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "30")
        tracing = configure_tracing("router", "demo", 1.0)
        tracing.hop(sending("demo.out.billing"), new_traceparent(1)).end()

        began = time.monotonic()
        tracing.shutdown(timeout=0.3)

        assert time.monotonic() - began < 15  # less than the exporter itself would wait
        assert "collector does not answer" in caplog.text
