"""What is counted of a process and its instances."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from prometheus_client import Counter, Gauge

from crossdock.mesh.telemetry import definitions as d
from crossdock.mesh.telemetry.metrics import Labelled, Metrics


class ProcessMetrics(msgspec.Struct, frozen=True):
    """What is counted of one process.

    Attributes:
        began: Instances that began.
        ended: Those that ended, by state.
        steps: Steps, by cause.
        compensations: Commands that were taken back.
        stuck: Times that one got stuck.
        metrics: Where the gauges are found.
        process: Name of the process.
    """

    began: Counter
    ended: Labelled
    steps: Labelled
    compensations: Counter
    stuck: Counter
    metrics: Metrics
    process: str

    @classmethod
    def of(cls, metrics: Metrics, process: str) -> ProcessMetrics:
        """Bind the series of a process."""
        return cls(
            began=metrics.counter(d.PROCESS_BEGAN, process),
            ended=Labelled(lambda state: metrics.counter(d.PROCESS_ENDED, process, state)),
            steps=Labelled(lambda cause: metrics.counter(d.PROCESS_STEPS, process, cause)),
            compensations=metrics.counter(d.PROCESS_COMPENSATIONS, process),
            stuck=metrics.counter(d.PROCESS_STUCK, process),
            metrics=metrics,
            process=process,
        )

    def instances(self, counts: Mapping[str, int]) -> None:
        """Show how many instances there are.

        Args:
            counts: By state; all that there are, also those without an instance.
        """
        for state, count in counts.items():
            self._gauge(state).set(count)

    def _gauge(self, state: str) -> Gauge:
        return self.metrics.gauge(d.PROCESS_INSTANCES, self.process, state)
