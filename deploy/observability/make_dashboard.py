"""Write the Grafana dashboard: ``python deploy/observability/make_dashboard.py``.

The dashboard is data, so it is made from a list of panels; a test keeps the file current.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

TARGET = Path(__file__).with_name("dashboard.json")
WIDTH, HEIGHT, COLUMNS = 8, 7, 3
SOURCE = {"type": "prometheus", "uid": "${source}"}
MESH = 'mesh=~"$mesh"'
ONE = f'{MESH},component=~"$component"'


class Panel(NamedTuple):
    """One graph: its title, its unit, and each line's legend with its query."""

    title: str
    unit: str
    lines: dict[str, str]


def rate(metric: str, by: str, labels: str = ONE) -> str:
    """Return messages a second."""
    return f"sum by ({by}) (rate({metric}{{{labels}}}[$__rate_interval]))"


def quantile(share: float, metric: str, labels: str = ONE) -> str:
    """Return a share of a histogram, by component."""
    buckets = rate(f"{metric}_bucket", "component, le", labels)
    return f"histogram_quantile({share}, {buckets})"


def flow(kind: str, names: tuple[str, ...]) -> dict[str, str]:
    """Return one line for each outcome of a component."""
    series = {name: f"crossdock_{kind}_{name}_messages_total" for name in names}
    return {
        f"{{{{component}}}} {name}": rate(metric, "component") for name, metric in series.items()
    }


PANELS: dict[str, tuple[Panel, ...]] = {
    "The mesh": (
        Panel(
            "In and out",
            "ops",
            {
                "by the door": rate("crossdock_gateway_accepted_messages_total", "mesh", MESH),
                "by sources": rate("crossdock_source_published_messages_total", "mesh", MESH),
                "delivered": rate("crossdock_destination_delivered_messages_total", "mesh", MESH),
            },
        ),
        Panel(
            "Needs a person",
            "short",
            {
                "halted {{component}}": (
                    f"max by (component) (crossdock_component_halted{{{MESH}}})"
                ),
                "paused {{component}}": f"max by (component) (crossdock_breaker_open{{{MESH}}})",
                "missing {{component}}": (
                    f"max by (component) (crossdock_ledger_missing_messages{{{MESH}}})"
                ),
                "stuck {{component}}": (
                    f'max by (component) (crossdock_process_instances{{{MESH},state="stuck"}})'
                ),
                "no broker: {{service}}": (
                    f"1 - min by (service) (crossdock_broker_connected{{{MESH}}})"
                ),
            },
        ),
        Panel(
            "Lag",
            "short",
            {"{{component}}": f"max by (component) (crossdock_pending_messages{{{ONE}}})"},
        ),
    ),
    "The door": (
        Panel(
            "Accepted, by contract",
            "ops",
            {"{{contract}}": rate("crossdock_gateway_accepted_messages_total", "contract", MESH)},
        ),
        Panel(
            "Refused, by reason",
            "ops",
            {"{{reason}}": rate("crossdock_gateway_refused_messages_total", "reason", MESH)},
        ),
    ),
    "Routes": (
        Panel("Outcomes", "ops", flow("route", ("out", "filtered", "dead", "retried"))),
        Panel(
            "Sent, by destination",
            "ops",
            {"{{destination}}": rate("crossdock_route_sent_messages_total", "destination")},
        ),
        Panel(
            "A batch takes",
            "s",
            {
                "{{component}} p50": quantile(0.5, "crossdock_route_hop_duration_seconds"),
                "{{component}} p99": quantile(0.99, "crossdock_route_hop_duration_seconds"),
            },
        ),
    ),
    "Destinations": (
        Panel(
            "Outcomes", "ops", flow("destination", ("delivered", "duplicate", "dead", "retried"))
        ),
        Panel(
            "A batch takes",
            "s",
            {
                "{{component}} p50": quantile(
                    0.5, "crossdock_destination_delivery_duration_seconds"
                ),
                "{{component}} p99": quantile(
                    0.99, "crossdock_destination_delivery_duration_seconds"
                ),
            },
        ),
    ),
    "Sources": (
        Panel("Outcomes", "ops", flow("source", ("received", "published", "refused", "retried"))),
    ),
    "Broker": (
        Panel(
            "Storing takes",
            "s",
            {
                "p50": quantile(0.5, "crossdock_publish_duration_seconds", MESH),
                "p99": quantile(0.99, "crossdock_publish_duration_seconds", MESH),
            },
        ),
        Panel(
            "Messages stored together",
            "short",
            {
                "{{service}}": (
                    f"{rate('crossdock_publish_batch_messages_sum', 'service', MESH)} / "
                    f"{rate('crossdock_publish_batch_messages_count', 'service', MESH)}"
                )
            },
        ),
        Panel(
            "Not stored, or stored before",
            "ops",
            {
                "{{instruction}}": rate(
                    "crossdock_publish_failed_messages_total", "instruction", MESH
                ),
                "stored before": rate("crossdock_publish_duplicate_messages_total", "mesh", MESH),
                "reconnects of {{service}}": rate(
                    "crossdock_broker_reconnects_total", "service", MESH
                ),
            },
        ),
    ),
}


def dashboard() -> dict[str, Any]:
    """Return the dashboard as Grafana imports it."""
    return {
        "uid": "crossdock",
        "title": "Crossdock",
        "description": "What a mesh carries, and what needs a person.",
        "tags": ["crossdock"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": _variables()},
        "panels": _panels(),
    }


def _variables() -> list[dict[str, Any]]:
    names = {
        "mesh": "crossdock_build_info",
        "component": 'crossdock_pending_messages{mesh=~"$mesh"}',
    }
    source = {"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus"}
    return [source] + [
        {
            "name": name,
            "label": name.capitalize(),
            "type": "query",
            "datasource": SOURCE,
            "query": f"label_values({series}, {name})",
            "refresh": 2,
            "includeAll": True,
            "allValue": ".*",
            "multi": True,
            "current": {"text": "All", "value": "$__all"},
        }
        for name, series in names.items()
    ]


def _panels() -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = []
    y = 0
    for row, panels in PANELS.items():
        place = {"x": 0, "y": y, "w": WIDTH * COLUMNS, "h": 1}
        result.append({"type": "row", "title": row, "gridPos": place, "collapsed": False})
        for column, panel in enumerate(panels):
            result.append(_panel(panel, {"x": column * WIDTH, "y": y + 1, "w": WIDTH, "h": HEIGHT}))
        y += HEIGHT + 1
    return [{"id": number, **each} for number, each in enumerate(result, 1)]


def _panel(panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    return {
        "type": "timeseries",
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(65 + number), "datasource": SOURCE, "expr": expr, "legendFormat": legend}
            for number, (legend, expr) in enumerate(panel.lines.items())
        ],
    }


def text() -> str:
    """Return the content of the file."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text())
