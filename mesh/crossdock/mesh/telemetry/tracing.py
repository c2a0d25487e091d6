"""Traces: one span for each hop of a sampled message, and next to nothing for all others.

The context travels in the message (``traceparent``, ``tracestate``), not in the event loop, because
messages are worked on in batches. Spans leave by OTLP over HTTP, in the background, from a queue
that drops when it is full (I8); without an endpoint in the environment there is no exporter at all,
and contexts are passed on as they came.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Final, Protocol, Self

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    TraceFlags,
    Tracer,
    TraceState,
)
from opentelemetry.trace.status import Status, StatusCode

from crossdock.mesh.telemetry.steps import Step
from crossdock.mesh.telemetry.trace_context import (
    clean_tracestate,
    is_sampled,
    new_traceparent,
    valid_traceparent,
)

log = logging.getLogger("crossdock.telemetry")

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_MOST_LINKS: Final = 128
_SERVER_ERROR: Final = 500


class Hop(Protocol):
    """One step of one message: what to pass on, and how it ended.

    Usable in a ``with`` statement, which ends it, or by calling :meth:`end`; ending twice is safe.

    Attributes:
        traceparent: For the messages that this step makes.
        tracestate: The same.
    """

    traceparent: str
    tracestate: str

    def end(self, error: BaseException | None = None) -> None:
        """Record the end; of an error only the name of its class (I6)."""

    def responded(self, status: int) -> None:
        """Record the HTTP status that was answered."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class _Passed:
    """A hop that is not recorded: passes the context on."""

    __slots__ = ("traceparent", "tracestate")

    def __init__(self, traceparent: str, tracestate: str) -> None:
        self.traceparent = traceparent
        self.tracestate = tracestate

    def end(self, error: BaseException | None = None) -> None:
        pass

    def responded(self, status: int) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class _Recorded:
    """A hop with a span."""

    __slots__ = ("_span", "traceparent", "tracestate")

    def __init__(self, span: Span, tracestate: str) -> None:
        self._span = span
        own = span.get_span_context()
        self.traceparent = f"00-{own.trace_id:032x}-{own.span_id:016x}-{own.trace_flags:02x}"
        self.tracestate = tracestate

    def end(self, error: BaseException | None = None) -> None:
        if error is not None:
            name = type(error).__name__
            self._span.set_attribute("error.type", name)
            self._span.set_status(Status(StatusCode.ERROR, name))
        self._span.end()

    def responded(self, status: int) -> None:
        self._span.set_attribute("http.response.status_code", status)
        if status >= _SERVER_ERROR:
            self._span.set_attribute("error.type", str(status))
            self._span.set_status(Status(StatusCode.ERROR))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end(error)


class Tracing:
    """Where hops begin. Safe to use from any task; after :meth:`shutdown` it records nothing."""

    def __init__(
        self, sample: float, tracer: Tracer | None = None, stop: Callable[[], None] | None = None
    ) -> None:
        """Remember how to record.

        Args:
            sample: Share of new traces that are recorded, 0 to 1.
            tracer: Makes the spans; nothing is recorded without one.
            stop: Sends what is left and ends the exporter; may block.
        """
        self._sample = sample
        self._tracer = tracer
        self._stop = stop

    def accept(self, traceparent: str | None, tracestate: str = "") -> tuple[str, str]:
        """Return the context of a message at the door: the caller's when valid, else a new one.

        The decision for new ones is made here, by the mesh's ``telemetry.sample``.
        """
        if traceparent and valid_traceparent(traceparent):
            return traceparent, clean_tracestate(tracestate)
        return new_traceparent(self._sample), ""

    def hop(
        self, step: Step, traceparent: str | None, tracestate: str = "", message_id: str = ""
    ) -> Hop:
        """Begin a hop.

        Args:
            step: What is done; made once per component.
            traceparent: Of the message; None or an invalid one counts as not sampled.
            tracestate: Of the message.
            message_id: Its id.
        """
        if not traceparent or not valid_traceparent(traceparent):
            return _Passed("", "")
        if self._tracer is None or not is_sampled(traceparent):
            return _Passed(traceparent, tracestate)
        tracestate = clean_tracestate(tracestate)
        parent = trace.set_span_in_context(
            NonRecordingSpan(_span_context(traceparent, tracestate)), otel_context.Context()
        )
        attributes: dict[str, str | int] = {**step.attributes}
        if message_id:
            attributes["messaging.message.id"] = message_id
        span = self._tracer.start_span(
            step.name, parent, step.kind, attributes, record_exception=False
        )
        return _Recorded(span, tracestate)

    def batch(self, step: Step, contexts: Iterable[tuple[str, str]], count: int) -> Hop:
        """Begin a step that many messages share: a trace of its own, linked to the sampled ones.

        Args:
            step: What is done.
            contexts: ``traceparent`` and ``tracestate`` of the messages.
            count: How many messages there are, sampled or not.
        """
        if self._tracer is None:
            return _Passed("", "")
        links = [
            Link(_span_context(traceparent, clean_tracestate(tracestate)))
            for traceparent, tracestate in contexts
            if is_sampled(traceparent) and valid_traceparent(traceparent)
        ][:_MOST_LINKS]
        if not links:
            return _Passed("", "")
        attributes: dict[str, str | int] = {
            **step.attributes,
            "messaging.batch.message_count": count,
        }
        span = self._tracer.start_span(
            step.name, otel_context.Context(), step.kind, attributes, links, record_exception=False
        )
        return _Recorded(span, "")

    def shutdown(self, timeout: float = 5.0) -> None:
        """Send what is in the queue, for at most so many seconds; blocks. Safe twice."""
        stop, self._stop, self._tracer = self._stop, None, None
        if stop is None:
            return
        # The SDK's own shutdown takes no limit that holds while a request hangs: bound it here.
        sender = threading.Thread(target=stop, name="trace-shutdown", daemon=True)
        sender.start()
        sender.join(timeout)
        if sender.is_alive():
            log.warning("traces dropped at shutdown: the collector does not answer")


def configure_tracing(service: str, mesh: str, sample: float) -> Tracing:
    """Set up tracing for this process.

    Exports when the environment names an endpoint (``OTEL_EXPORTER_OTLP_ENDPOINT``; the other
    ``OTEL_EXPORTER_OTLP_…`` variables hold too) and ``OTEL_SDK_DISABLED`` is not ``true``.

    Args:
        service: ``gateway``, ``router`` or ``worker``.
        mesh: Name of the mesh.
        sample: Share of new traces that are recorded, 0 to 1.
    """
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if disabled or not any(os.environ.get(name) for name in _ENDPOINTS):
        return Tracing(sample)
    # Imported here: only who exports pays for the memory of SDK and exporter, about 6 MB.
    from crossdock.mesh.telemetry.exporting import provider  # noqa: PLC0415 - see above

    exporting = provider(service, mesh)
    return Tracing(sample, exporting.get_tracer("crossdock"), exporting.shutdown)


def _span_context(traceparent: str, tracestate: str) -> SpanContext:
    return SpanContext(
        trace_id=int(traceparent[3:35], 16),
        span_id=int(traceparent[36:52], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(traceparent[53:], 16)),
        trace_state=TraceState.from_header([tracestate]) if tracestate else None,
    )
