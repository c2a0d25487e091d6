"""Coverage tells which outcomes of a route's conditions no example has shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from crossdock.cli.main import app
from crossdock.router.coverage import Coverage, percent

ROUTE = """route: orders
accepts: sales.order.placed@1
where: total > 0
steps:
  - split: lines
    steps: [{where: qty > 1}]
    join: {into: parts}
send:
  - {when: total > 100, to: big}
  - {else: true, to: small}
examples:
"""
GIVEN = {
    "large": {"total": 200, "lines": [{"qty": 1}, {"qty": 2}]},
    "little": {"total": 5, "lines": [{"qty": 5}]},
    "nothing": {"total": 0, "lines": []},
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    placed = tmp_path / "contracts/sales/order.placed"
    (placed / "examples").mkdir(parents=True)
    (placed / "1.0.0.schema.json").write_text("{}")
    for name, value in GIVEN.items():
        (placed / f"examples/{name}.json").write_text(json.dumps(value))
    (tmp_path / "mesh.yaml").write_text("mesh: shop\n")
    (tmp_path / "routes").mkdir()
    other = "route: other\naccepts: sales.order.placed@1\nsend: [{to: a}]\n"
    (tmp_path / "routes/other.yaml").write_text(other)
    return tmp_path


def run(project: Path, examples: str, *options: str) -> Result:
    (project / "routes/orders.yaml").write_text(ROUTE + examples)
    return CliRunner().invoke(app, ["route", "test", str(project), "--route", "orders", *options])


def coverage(project: Path, examples: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(run(project, examples, "--json").stdout)
    return told["coverage"][0] | {"covered": told["covered"]}


LARGE = "  - {given: large, expect: [big]}\n"
LITTLE = "  - {given: little, expect: [small]}\n"
NOTHING = "  - {given: nothing, expect: nothing}\n"


def test_what_no_example_has_shown_is_named(project: Path) -> None:
    found = coverage(project, LARGE)
    assert found["missed"] == ["where not held", "send/0 not held", "send/1 taken"]
    assert found["shown"] == [
        "where held",
        "steps/0/steps/0 held",
        "steps/0/steps/0 not held",
        "send/0 held",
    ]
    assert found["covered"] == pytest.approx(57.1)


def test_examples_of_every_outcome_cover_all(project: Path) -> None:
    assert coverage(project, LARGE + LITTLE + NOTHING)["covered"] == 100


def test_a_route_without_examples_is_not_covered(project: Path) -> None:
    assert coverage(project, " []\n")["covered"] == 0


def test_less_than_the_minimum_fails(project: Path) -> None:
    assert run(project, LARGE, "--min", "57").exit_code == 0
    failed = run(project, LARGE, "--min", "60")
    assert failed.exit_code == 1
    assert "57.1 % of the branches are covered, and --min asks for 60 %" in failed.output


def test_the_table_shows_each_route(project: Path) -> None:
    output = run(project, LARGE, "--coverage").output
    assert "where not held" in output
    assert "1 passed, 0 failed, 57.1 % of branches covered" in output


def test_only_the_route_that_is_asked_for_is_run(project: Path) -> None:
    result = CliRunner().invoke(app, ["route", "test", str(project), "--route", "nobody"])
    assert result.exit_code == 2
    assert "no route 'nobody': there is other" in result.output


def test_results_are_written_for_ci_servers(project: Path) -> None:
    file = project / "results.xml"
    wrong = '  - {given: "l\\u0001<&", expect: nothing}\n'
    assert run(project, LARGE + wrong, "--junit", str(file)).exit_code == 1
    root = ET.parse(file).getroot()  # noqa: S314 - written by us, a line above
    assert (root.tag, root.attrib["tests"], root.attrib["failures"]) == ("testsuites", "2", "1")
    suite = root.find("testsuite")
    assert suite is not None
    assert suite.attrib["name"] == "routes/orders.yaml"
    first, second = suite.findall("testcase")
    assert (first.attrib["classname"], first.attrib["name"]) == ("routes.orders", "1: large")
    assert first.find("failure") is None
    failure = second.find("failure")
    assert second.attrib["name"] == "2: l?<&"
    assert failure is not None
    assert "l?<&" in failure.attrib["message"]


def test_a_file_that_cannot_be_written_is_told(project: Path) -> None:
    result = run(project, LARGE, "--junit", str(project / "no/such/folder.xml"))
    assert result.exit_code == 2
    assert "cannot be written: no such file or directory" in result.output


def test_all_is_covered_only_when_nothing_is_missed() -> None:
    almost = Coverage(route="r", shown=("where held",) * 2999, missed=("else taken",))
    assert percent([almost]) == 99.9
    assert percent([almost, almost]) == 99.9
    assert percent([]) == 100
