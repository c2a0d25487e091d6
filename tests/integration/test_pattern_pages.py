"""The page of a pattern shows a route that runs, and all patterns of the book are accounted for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crossdock.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "patterns"
PROJECT = ROOT / "examples" / "patterns"
ROUTES = sorted(path.stem for path in (PROJECT / "routes").glob("*.yaml"))


def test_the_project_of_the_patterns_can_run() -> None:
    result = CliRunner().invoke(app, ["check", str(PROJECT)])
    assert result.exit_code == 0, result.output


def test_every_example_of_the_patterns_holds() -> None:
    result = CliRunner().invoke(app, ["route", "test", str(PROJECT)])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("name", ROUTES)
def test_a_page_shows_the_route_as_it_runs_and_the_route_has_examples(name: str) -> None:
    route = (PROJECT / "routes" / f"{name}.yaml").read_text()
    # Beside its own page, a route may be shown by the one of a pattern that takes several.
    assert any(f"```yaml\n{route}```" in page.read_text() for page in PAGES.glob("*.md"))
    assert "\nexamples:\n" in route


def test_every_example_of_the_process_holds_and_shows_all_of_it() -> None:
    result = CliRunner().invoke(app, ["process", "test", str(PROJECT), "--min", "100"])
    assert result.exit_code == 0, result.output


def test_the_page_of_the_process_manager_shows_the_process_as_it_runs() -> None:
    process = (PROJECT / "processes" / "process-manager.yaml").read_text()
    assert f"```yaml\n{process}```" in (PAGES / "process-manager.md").read_text()


def test_all_patterns_of_the_book_are_in_the_table_and_every_page_is_linked() -> None:
    text = (PAGES / "README.md").read_text()
    rows = re.findall(r"^\| ([A-Z][^|*]*?) \| (.+) \|$", text, re.MULTILINE)
    names = [name for row, _ in rows for name in row.split(", ")]
    assert len(names) == len(set(names)) == 65
    linked = set(re.findall(r"\]\(([^):#]+)", text))
    assert {path.name for path in PAGES.glob("*.md")} - linked == {"README.md"}
    assert not [each for each in linked if not (PAGES / each).exists()]
