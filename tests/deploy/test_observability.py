"""Alerts and dashboard ask only for metrics that exist, in queries that Prometheus reads."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
from pathlib import Path

import promql_parser
import pytest
import yaml

from crossdock.mesh.telemetry import definitions

FOLDER = Path(__file__).parents[2] / "deploy" / "observability"
PROMTOOL = shutil.which("promtool")
NAMES = {each.series for each in definitions.ALL} | {
    f"{each.name}_{part}"
    for each in definitions.ALL
    if each.kind == "histogram"
    for part in ("bucket", "sum", "count")
}
LABELS = {*definitions.BASE_LABELS, *(label for each in definitions.ALL for label in each.labels)}
OTHERS = {"process_start_time_seconds"}


def rules() -> dict[str, str]:
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


def queries() -> dict[str, str]:
    shown = json.loads((FOLDER / "dashboard.json").read_text())
    return {
        f"{panel['title']} {target['refId']}": target["expr"].replace("$__rate_interval", "5m")
        for panel in shown["panels"]
        for target in panel.get("targets", [])
    }


@pytest.mark.parametrize(
    "expression", [pytest.param(e, id=n) for n, e in (rules() | queries()).items()]
)
def test_every_query_parses_and_asks_for_metrics_and_labels_that_exist(expression: str) -> None:
    parsed = promql_parser.parse(expression).prettify()

    asked = set(re.findall(r"\b(?:crossdock|process)_\w+", parsed))
    grouped = {
        name.strip()
        for names in re.findall(r"(?:by|on|group_left) \(([^)]*)\)", parsed)
        for name in names.split(",")
    }
    assert asked
    assert asked <= NAMES | OTHERS
    assert grouped <= LABELS | {"le", "job", "instance"}


def test_every_metric_that_a_person_must_act_on_has_an_alert() -> None:
    together = " ".join(rules().values())

    for name in (
        definitions.COMPONENT_HALTED,
        definitions.BREAKER_OPEN,
        definitions.PENDING,
        definitions.BROKER_CONNECTED,
        definitions.ROUTE_DEAD,
        definitions.DESTINATION_DEAD,
        definitions.SOURCE_REFUSED,
    ):
        assert name.series in together


def test_the_dashboard_is_what_its_maker_makes() -> None:
    maker = runpy.run_path(str(FOLDER / "make_dashboard.py"))

    assert (FOLDER / "dashboard.json").read_text() == maker["text"]()


def test_i9_the_alerts_fire_when_they_should_and_only_then() -> None:
    assert PROMTOOL is not None, "promtool is missing: apt-get install prometheus"
    checked = subprocess.run(
        [PROMTOOL, "test", "rules", "alerts_test.yaml"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
