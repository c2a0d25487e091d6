"""The page about telemetry shows the metrics that exist."""

from __future__ import annotations

from pathlib import Path

from crossdock.mesh.telemetry.definitions import table
from crossdock.mesh.telemetry.safe_values import MOST_CHARACTERS

PAGE = Path(__file__).parents[2] / "docs" / "telemetry.md"


def test_the_table_of_metrics_is_current() -> None:
    begin = "<!-- metrics: what crossdock.mesh.telemetry.definitions.table() returns -->\n"
    _, _, rest = PAGE.read_text().partition(begin)
    shown, _, _ = rest.partition("<!-- /metrics -->")

    assert shown.strip() == table()


def test_the_bound_of_a_value_is_the_one_on_the_page() -> None:
    assert f"cut at {MOST_CHARACTERS:,} characters" in PAGE.read_text()
