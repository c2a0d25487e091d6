"""Hops: parents and children, links, attributes, and nothing for what is not sampled."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from opentelemetry.trace.status import StatusCode

from crossdock.contracts import Reject
from crossdock.mesh.telemetry import (
    Tracing,
    configure_tracing,
    new_traceparent,
    processing,
    receiving,
    sending,
    serving,
    trace_id,
)

PROCESS = processing("demo.in.sales.order.placed", "orders")
SEND = sending("demo.out.billing")


class Recording:
    """Tracing whose spans can be looked at."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracing = Tracing(1.0, provider.get_tracer("test"), provider.shutdown)

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())


@pytest.fixture
def recording() -> Recording:
    return Recording()


def identity(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}-{span.context.span_id:016x}"


def parent(span: ReadableSpan) -> str:
    assert span.parent is not None
    return f"{span.parent.trace_id:032x}-{span.parent.span_id:016x}"


def test_an_unsampled_message_passes_with_its_context_and_without_a_span(
    recording: Recording,
) -> None:
    root = new_traceparent(0)

    with recording.tracing.hop(PROCESS, root, "rojo=1") as hop:
        pass

    assert (hop.traceparent, hop.tracestate) == (root, "rojo=1")
    assert recording.spans == []


def test_two_hops_are_a_chain_in_one_trace(recording: Recording) -> None:
    root = new_traceparent(1)

    with recording.tracing.hop(PROCESS, root, "rojo=1", message_id="m1") as first:
        pass
    with recording.tracing.hop(SEND, first.traceparent, first.tracestate) as second:
        pass

    one, two = recording.spans
    assert parent(one) == root[3:52]
    assert parent(two) == identity(one)
    assert identity(two) == second.traceparent[3:52]
    assert second.tracestate == "rojo=1"
    assert trace_id(second.traceparent) == trace_id(root)


def test_a_span_is_named_and_described_as_the_conventions_say(recording: Recording) -> None:
    with recording.tracing.hop(PROCESS, new_traceparent(1), message_id="m1"):
        pass

    (span,) = recording.spans
    assert span.name == "process demo.in.sales.order.placed"
    assert span.kind is SpanKind.CONSUMER
    assert dict(span.attributes or {}) == {
        "messaging.system": "nats",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "demo.in.sales.order.placed",
        "messaging.consumer.group.name": "orders",
        "messaging.message.id": "m1",
    }


@pytest.mark.parametrize(
    ("step", "name", "kind"),
    [
        (SEND, "publish demo.out.billing", SpanKind.PRODUCER),
        (receiving("demo.out.billing", "b"), "fetch demo.out.billing", SpanKind.CLIENT),
        (serving("POST", "/v1/events"), "POST /v1/events", SpanKind.SERVER),
    ],
)
def test_each_kind_of_step_has_its_name_and_kind(
    recording: Recording, step: object, name: str, kind: SpanKind
) -> None:
    recording.tracing.hop(step, new_traceparent(1)).end()  # type: ignore[arg-type] # parametrized

    (span,) = recording.spans
    assert (span.name, span.kind) == (name, kind)


def test_i6_of_an_error_only_the_name_of_its_class_is_recorded(recording: Recording) -> None:
    with (
        pytest.raises(Reject),
        recording.tracing.hop(PROCESS, new_traceparent(1)),
    ):
        raise Reject("secret reason")

    (span,) = recording.spans
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "Reject"
    assert (span.attributes or {})["error.type"] == "Reject"
    assert "secret" not in span.to_json()


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(202, StatusCode.UNSET), (404, StatusCode.UNSET), (503, StatusCode.ERROR)],
)
def test_only_our_own_failures_make_a_server_span_an_error(
    recording: Recording, status: int, outcome: StatusCode
) -> None:
    with recording.tracing.hop(serving("POST", "/v1/events"), new_traceparent(1)) as hop:
        hop.responded(status)

    (span,) = recording.spans
    assert span.status.status_code is outcome
    assert (span.attributes or {})["http.response.status_code"] == status


def test_a_batch_is_a_trace_of_its_own_linked_to_the_sampled_messages(recording: Recording) -> None:
    sampled, other = [new_traceparent(1) for _ in range(2)], new_traceparent(0)
    contexts = [(each, "") for each in [*sampled, other, "garbage-01"]]

    with recording.tracing.batch(receiving("demo.in.>", "orders"), contexts, 4):
        pass

    (span,) = recording.spans
    linked = {f"{link.context.trace_id:032x}" for link in span.links}
    assert span.parent is None
    assert linked == {trace_id(each) for each in sampled}
    assert (span.attributes or {})["messaging.batch.message_count"] == 4


def test_a_batch_without_a_sampled_message_is_not_recorded(recording: Recording) -> None:
    with recording.tracing.batch(SEND, [(new_traceparent(0), "")], 1):
        pass

    assert recording.spans == []


@pytest.mark.parametrize("hostile", [None, "", "x", "00-1-2-01\r\nNats-Msg-Id: 1"])
def test_an_invalid_context_is_neither_recorded_nor_passed_on(
    recording: Recording, hostile: str | None
) -> None:
    with recording.tracing.hop(PROCESS, hostile, "a=b") as hop:
        pass

    assert (hop.traceparent, hop.tracestate) == ("", "")
    assert recording.spans == []


def test_the_door_keeps_a_valid_context_and_replaces_an_invalid_one() -> None:
    tracing = Tracing(0.0)
    given = new_traceparent(1)

    assert tracing.accept(given, "rojo=1") == (given, "rojo=1")
    assert tracing.accept(given, "rojo") == (given, "")
    made, state = tracing.accept("rubbish", "rojo=1")
    assert (made[-2:], state) == ("00", "")


def test_without_an_endpoint_nothing_is_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", raising=False)
    tracing = configure_tracing("router", "demo", 1.0)
    root = new_traceparent(1)

    with tracing.hop(PROCESS, root) as hop:
        pass
    tracing.shutdown()

    assert hop.traceparent == root


def test_after_shutdown_contexts_still_pass(recording: Recording) -> None:
    recording.tracing.shutdown()
    recording.tracing.shutdown()
    root = new_traceparent(1)

    with recording.tracing.hop(PROCESS, root) as hop:
        pass

    assert hop.traceparent == root
    assert recording.spans == []
