"""The results of `crossdock route test --junit` are what the schema of CI servers wants."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from typer.testing import CliRunner

from crossdock.cli.junit import write_junit
from crossdock.cli.main import app
from crossdock.contracts import Problem
from crossdock.router import testing

ROOT = Path(__file__).parents[2]
SCHEMA = xmlschema.XMLSchema(ROOT / "tests" / "schemas" / "junit-10.xsd")
HOSTILE = 'l\x00\x1b<&">]]>\ud800\ufffe line\nbreak'


def test_the_results_of_all_pattern_examples_keep_the_schema(tmp_path: Path) -> None:
    file = tmp_path / "results.xml"
    words = ["route", "test", str(ROOT / "examples" / "patterns"), "--junit", str(file)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    SCHEMA.validate(file)
    assert len(ET.parse(file).getroot().findall(".//testcase")) > 40  # noqa: S314 - ours


@pytest.mark.parametrize("text", ["", "plain", HOSTILE.replace("\ud800", "")])
def test_failures_keep_it_too_whatever_they_say(tmp_path: Path, text: str) -> None:
    problem = Problem(message=text, pointer=f"/{text}", place=text)
    found = testing.Tested(route="r", example=0, given=text, problems=(problem, problem))
    passed = testing.Tested(route="s", example=0, given=text)
    write_junit([found, passed], tmp_path / "results.xml")
    SCHEMA.validate(tmp_path / "results.xml")


def test_what_is_no_result_does_not_keep_the_schema(tmp_path: Path) -> None:
    file = tmp_path / "results.xml"
    write_junit([testing.Tested(route="r", example=0, given="g")], file)
    file.write_text(file.read_text().replace("<testcase", "<testkase"))
    assert not SCHEMA.is_valid(file)
