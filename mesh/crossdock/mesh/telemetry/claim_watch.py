"""What a process tells of the data that it leaves and fetches: counts, times, spans."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

import msgspec

from crossdock.mesh.telemetry.data_metrics import ClaimMetrics
from crossdock.mesh.telemetry.steps import keeping
from crossdock.mesh.telemetry.tracing import Tracing

Operation: TypeAlias = Literal["put", "get"]
Trace: TypeAlias = tuple[str, str]
"""``traceparent`` and ``tracestate`` of a message."""
Seen: TypeAlias = Callable[[str], None]
"""To be told how it ended: ``stored``, ``known`` already, or ``fetched``."""


class ClaimWatch(msgspec.Struct, frozen=True):
    """Counts and records.

    Attributes:
        metrics: What is counted.
        tracing: Where spans go.
        stream: Where data is kept.
    """

    metrics: ClaimMetrics
    tracing: Tracing
    stream: str

    @contextmanager
    def seeing(self, operation: Operation, trace: Trace) -> Iterator[Seen]:
        """Watch storing or fetching some data, until the end of the context."""
        start = time.perf_counter()
        with self.tracing.hop(keeping(operation, self.stream), *trace):
            yield self._count
        self.metrics.seconds.observe(time.perf_counter() - start)

    def _count(self, how: str) -> None:
        if how == "fetched":
            self.metrics.fetched.inc()
        else:
            self.metrics.held.inc(how)
