"""A route with a fault is refused with its line and code; one that is right passes."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from crossdock.cli.main import app
from crossdock.cli.project_check import Findings, inspect_project
from crossdock.router.checking.codes import CODES
from route_table import Row, make_project, put, rows

EXAMPLES = Path(__file__).parents[2] / "examples"
FAULTS = rows("route_faults.yaml")
SOUND = rows("route_sound.yaml")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("shop"))


def found(findings: Findings) -> tuple[set[str], set[str]]:
    problems = {f"{each.place} {each.keyword}" for each in findings.problems}
    return problems, {f"{e.place} {e.keyword}" for e in findings.warnings if e.keyword in CODES}


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: row.it)
def test_a_route_with_a_fault_is_refused_at_its_line_with_its_code(project: Path, row: Row) -> None:
    put(project, row)
    where, code = row.found.split()
    place = f"routes/r.yaml:{where}" if where.isdecimal() else f"routes/{where}"
    problems, warnings = found(inspect_project(project))
    assert (warnings if row.warning else problems) == {f"{place} {code}"}
    assert not (row.warning and problems)


@pytest.mark.parametrize("row", SOUND, ids=lambda row: row.it)
def test_a_route_that_is_right_is_let_through(project: Path, row: Row) -> None:
    put(project, row)
    assert found(inspect_project(project)) == (set(), set())


def test_the_tables_are_large_and_have_each_code() -> None:
    assert len(FAULTS) >= 60
    assert len(SOUND) >= 60
    elsewhere = {"route-loop"}
    assert {row.found.split()[1] for row in FAULTS} == CODES.keys() - elsewhere


@pytest.mark.parametrize("name", ["containers", "operations", "patterns", "trial"])
def test_every_route_of_the_examples_fits_its_contracts(name: str) -> None:
    result = CliRunner().invoke(app, ["route", "check", str(EXAMPLES / name)])
    assert (result.exit_code, "fit" in result.output) == (0, True), result.output


def test_the_command_prints_place_code_and_what_to_do(project: Path) -> None:
    put(project, FAULTS[0])
    result = CliRunner().invoke(app, ["route", "check", str(project)])
    assert result.exit_code == 1
    expected = "routes/r.yaml:3: unknown-field: no field 'totl'; did you mean 'total'?"
    assert expected in result.output
