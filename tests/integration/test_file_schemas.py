"""What is right has no red line in an editor, and what the checks refuse has one."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from typer.testing import CliRunner

from crossdock.cli.file_schemas import KINDS, file_schema
from crossdock.cli.main import app
from crossdock.mesh.project.document import read

ROOT = Path(__file__).parents[2]
PROJECTS = sorted(each.parent for each in ROOT.glob("examples/*/mesh.yaml"))
FILES = [
    (kind, project, file.relative_to(project).as_posix())
    for project in PROJECTS
    for kind, meant in KINDS.items()
    for file in sorted(project.glob(meant.files))
]
SCHEMAS = {kind: jsonschema_rs.Draft202012Validator(file_schema(kind)) for kind in KINDS}


@pytest.mark.parametrize(
    ("kind", "project", "file"), FILES, ids=[f"{p.name}/{file}" for _, p, file in FILES]
)
def test_every_file_of_the_examples_keeps_its_schema(kind: str, project: Path, file: str) -> None:
    value = read(project, file).value
    assert [each.message for each in SCHEMAS[kind].iter_errors(value)] == []
    for each in objects(value):
        each["unheard-of"] = True
        assert not SCHEMAS[kind].is_valid(value) or is_free(each)
        del each["unheard-of"]


def objects(value: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - JSON
    found: list[dict[str, Any]] = [value] if isinstance(value, dict) else []
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return found + [inner for each in parts for inner in objects(each)]


def is_free(value: dict[str, Any]) -> bool:
    """Tell whether an object is one that people name keys of: mappings, expectations, headers."""
    return (
        not {"route", "to", "given", "worker", "mesh", "adapter", "call", "process"} & value.keys()
    )


def test_the_examples_have_files_of_most_kinds() -> None:
    assert {kind for kind, _, _ in FILES} >= {"mesh", "route", "process", "worker", "call"}


WORKER = {"worker": "w", "adapter": "file-out", "settings": {"path": "a", "format": "jsonl"}}
ROUTE = {"route": "r", "accepts": "a.b.c", "send": [{"to": "x"}]}


@pytest.mark.parametrize(
    ("kind", "value", "wrong"),
    [
        ("worker", WORKER, {"adapter": "file-uot"}),
        ("worker", WORKER, {"settings": {"path": "a"}}),
        ("worker", WORKER, {"settings": {"path": "a", "format": "jsonl", "rotate": "5 MB"}}),
        ("worker", WORKER, {"publishes": "a.b.c"}),
        ("route", ROUTE, {"send_all": [{"to": "x"}]}),
        ("route", ROUTE, {"send": [{"to": 1}]}),
        ("route", ROUTE, {"steps": [{"map": "a", "where": "b"}]}),
        ("route", ROUTE, {"steps": [{}]}),
        ("route", ROUTE, {"examples": [{"given": "a"}]}),
        ("mesh", {"mesh": "m"}, {"gateway": {"timeout": 10}}),
        ("mesh", {"mesh": "m"}, {"broker": {"replicas": 9}}),
    ],
)
def test_what_checks_refuse_is_red_in_an_editor(
    kind: str, value: dict[str, Any], wrong: dict[str, Any]
) -> None:
    assert SCHEMAS[kind].is_valid(value)
    assert not SCHEMAS[kind].is_valid(copy.deepcopy(value) | wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_explained(kind: str) -> None:
    schema = file_schema(kind)
    parts = [schema, *schema["$defs"].values()]
    parts += [each["then"]["properties"]["settings"] for each in schema.get("allOf", ())]
    for part in parts:
        for name, key in part.get("properties", {}).items():
            is_tag = list(key) == ["enum"]
            assert "description" in key or is_tag, f"{part.get('description')} {name}"


def test_schemas_are_written_with_what_an_editor_needs(tmp_path: Path) -> None:
    folder = tmp_path / "schemas"
    result = CliRunner().invoke(app, ["schema", "-o", str(folder), "--json"])
    settings = json.loads(result.output)["yaml.schemas"]
    assert settings[f"{folder.as_posix()}/route.schema.json"] == "routes/*.yaml"
    assert {each.name for each in folder.iterdir()} == {f"{kind}.schema.json" for kind in KINDS}
    assert json.loads((folder / "route.schema.json").read_text()) == file_schema("route")


def test_one_kind_is_printed() -> None:
    result = CliRunner().invoke(app, ["schema", "mesh"])
    assert json.loads(result.output) == file_schema("mesh")
    assert "worker" in CliRunner().invoke(app, ["schema"]).output


def test_an_unknown_kind_is_told() -> None:
    result = CliRunner().invoke(app, ["schema", "rout"])
    assert result.exit_code == 2
    assert "no kind 'rout': there is mesh, route" in result.output
