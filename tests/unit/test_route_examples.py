"""The examples of a route are its tests, and a failing one says what differs and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crossdock.cli.main import app
from crossdock.router.testing import json_differences

ORDER_1 = "crossdock:sales.order.placed/1.0.0"
ROUTE: dict[str, Any] = {
    "route": "orders",
    "accepts": "sales.order.placed@1",
    "where": "total > 0",
    "send": [
        {
            "when": "country = 'DE'",
            "to": "billing",
            "as": "billing.invoice.requested@1",
            "map": "invoice.jsonata",
        },
        {"else": True, "to": "world"},
    ],
}


def write(folder: Path, file: str, value: object) -> None:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    order = {"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}
    placed = "contracts/sales/order.placed"
    write(tmp_path, "mesh.yaml", {"mesh": "ops"})
    write(tmp_path, f"{placed}/1.0.0.schema.json", order)
    write(tmp_path, f"{placed}/examples/german.json", {"total": 2.5, "country": "DE"})
    write(tmp_path, f"{placed}/examples/empty.json", {"total": 0})
    write(tmp_path, "contracts/billing/invoice.requested/1.0.0.schema.json", {"type": "object"})
    write(tmp_path, "routes/invoice.jsonata", '{"amount": total * 2, "lines": [1, 2]}')
    write(tmp_path, "routes/french.json", {"total": 1, "country": "FR"})
    write(tmp_path, "routes/broken.json", {"total": "many"})
    write(tmp_path, "routes/invoice.json", {"amount": 5, "lines": [1, 2]})
    write(tmp_path, "routes/wrong.json", {"amount": 6, "lines": [1], "vat": True})
    return tmp_path


def run(project: Path, *examples: dict[str, Any]) -> tuple[int, list[list[str]]]:
    write(project, "routes/orders.yaml", {**ROUTE, "examples": examples})
    result = CliRunner().invoke(app, ["route", "test", str(project), "--json"])
    told = json.loads(result.stdout)
    assert told["passed"] + told["failed"] == len(examples)
    problems = [
        [f"{each['pointer']} {each['message']}".strip() for each in one["problems"]]
        for one in told["examples"]
    ]
    assert told["failed"] == sum(1 for each in problems if each)
    return result.exit_code, problems


def test_examples_that_hold_pass(project: Path) -> None:
    examples = (
        {"given": "german", "expect": {"billing": "invoice.json"}},
        {"given": "german", "expect": ["billing"]},
        {"given": "empty", "expect": "nothing"},
        {"given": "broken.json", "expect": "rejected"},
        {"given": "french.json", "expect": {"world": "french.json"}},
    )
    assert run(project, *examples) == (0, [[], [], [], [], []])


def test_a_failing_example_says_what_differs_and_where(project: Path) -> None:
    code, problems = run(
        project,
        {"given": "german", "expect": {"billing": "wrong.json"}},
        {"given": "german", "expect": ["world"]},
        {"given": "empty", "expect": ["world"]},
        {"given": "broken.json", "expect": "nothing"},
    )
    assert code == 1
    assert problems == [
        [
            "/amount billing: expected 6, but it is 5",
            "/lines billing: expected 1 items, but there are 2",
            "/vat billing: expected true, but it is missing",
        ],
        ["nothing was sent to world", "billing was not expected, but something was sent there"],
        ["expected to be routed, but it was filtered: where does not hold"],
        [
            f"expected to be filtered, but it was rejected: data breaks {ORDER_1}",
            "/total expected a number",
        ],
    ]


@pytest.mark.parametrize(
    "example",
    [
        {"given": "missing", "expect": "nothing"},
        {"given": "../mesh.yaml.json", "expect": "nothing"},
        {"given": "german", "expect": "perhaps"},
        {"given": "german"},
        {"given": "german", "expect": "nothing", "typo": 1},
        {"given": "german", "expect": {"billing": "missing.json"}},
        {"given": "german", "expect": {"billing": "invoice.jsonata"}},
        {"given": "german", "expect": "nothing", "contract": "no contract"},
        {"given": "german", "expect": "nothing", "contract": "nobody.knows.this"},
    ],
)
def test_an_example_that_cannot_be_run_fails_and_says_why(
    project: Path, example: dict[str, Any]
) -> None:
    code, problems = run(project, example)
    assert code == 1
    assert len(problems[0]) == 1


def test_lines_for_people_name_the_file_and_the_example(project: Path) -> None:
    examples = [{"given": "empty", "expect": "nothing"}, {"given": "empty", "expect": ["world"]}]
    write(project, "routes/orders.yaml", {**ROUTE, "examples": examples})
    result = CliRunner().invoke(app, ["route", "test", str(project)])
    assert result.stdout.splitlines() == [
        "ok   routes/orders.yaml example 1: empty",
        "FAIL routes/orders.yaml example 2: empty",
        "     expected to be routed, but it was filtered: where does not hold",
        "1 passed, 1 failed, 20 % of branches covered",
    ]


def test_a_project_that_is_wrong_is_told_apart_from_a_failing_example(project: Path) -> None:
    write(project, "routes/orders.yaml", {**ROUTE, "where": "("})
    result = CliRunner().invoke(app, ["route", "test", str(project)])
    assert result.exit_code == 2
    assert "/where" in result.stderr


def test_json_values_differ_by_value_and_kind() -> None:
    assert list(json_differences({"a": [1, {"b~/": None}]}, {"a": [1.0, {"b~/": None}]})) == []
    assert list(json_differences([True], [1])) == [("/0", "expected true, but it is 1")]
    assert list(json_differences({"b~/": 1}, {})) == [("/b~0~1", "expected 1, but it is missing")]
