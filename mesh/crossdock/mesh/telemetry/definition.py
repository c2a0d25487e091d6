"""What one metric is called and what it counts."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["counter", "gauge", "histogram"]


class Definition(msgspec.Struct, frozen=True):
    """One metric.

    Attributes:
        name: Without the ``_total`` of a counter.
        kind: How it counts.
        help: One sentence for the person who reads the dashboard.
        labels: Labels beside the base ones; their values come from bounded sets only.
        buckets: Upper bounds, for a histogram.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def series(self) -> str:
        """Name as a query writes it."""
        return f"{self.name}_total" if self.kind == "counter" else self.name
