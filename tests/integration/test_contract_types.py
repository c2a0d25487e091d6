"""Generated types check what the contracts do, or say at their top what they do not."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from crossdock.cli.describing import describe_project
from crossdock.cli.main import app
from crossdock.cli.type_limits import limits_of
from crossdock.cli.typed_code import class_name, typed_code
from crossdock.contracts import Contract, Halt
from project_folder import write_contract, write_project

_EXAMPLES = Path(__file__).parents[2] / "examples"
_PROJECTS = sorted(each.parent.name for each in _EXAMPLES.glob("*/mesh.yaml"))
_NAME = "shop.item.sold"
_TAGGED = [
    {"type": "object", "required": ["k"], "properties": {"k": {"const": each}}} for each in "xy"
]
_UNTAGGED = [{"type": "object", "properties": {each: {"type": "integer"}}} for each in "xy"]


def _module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"generated_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # msgspec looks names up there
    spec.loader.exec_module(module)
    return module


def _decoder(folder: Path, contract: Contract) -> msgspec.json.Decoder[Any]:
    file = folder / "made.py"
    file.write_text(typed_code(contract))
    return msgspec.json.Decoder(getattr(_module(file), class_name(contract.name)))


def _accepts(decoder: msgspec.json.Decoder[Any], value: object) -> bool:
    try:
        decoder.decode(msgspec.json.encode(value))
    except msgspec.ValidationError:
        return False
    return True


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("types")
    for project in _PROJECTS:
        arguments = ["contract", "types", "-p", str(_EXAMPLES / project), "-o"]
        result = CliRunner().invoke(app, [*arguments, str(folder / project)])
        assert result.exit_code == 0, result.output
    return folder


@pytest.mark.parametrize("project", _PROJECTS)
def test_types_agree_with_the_contract_on_every_example(project: str, written: Path) -> None:
    for described in describe_project(_EXAMPLES / project).contracts:
        module = _module(written / project / f"{described.name.replace('.', '_')}.py")
        decoder = msgspec.json.Decoder(getattr(module, class_name(described.name)))
        for example in described.highest.examples:
            if _accepts(decoder, example.value) == example.valid:
                continue
            (problem, *_) = described.highest.contract.problems(example.value)
            said = module.__doc__ or ""
            assert not example.valid, f"{described.name}: {example.name} is refused"
            assert problem.keyword in said, f"{described.name}: {example.name} is accepted"


def test_what_is_written_passes_a_strict_type_check(written: Path) -> None:
    arguments = ["--config-file=", "--strict", "--no-incremental", str(written / "operations")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("schema", "accepted", "refused"),
    [
        ({"properties": {"a": {"type": "string"}}}, [{"a": "x", "b": 1}, {}], [{"a": None}]),
        ({"properties": {"a": {}}, "additionalProperties": False}, [{"a": 1}], [{"b": 1}]),
        (
            {"properties": {"class": {"enum": ["x", 1, None]}}},
            [{"class": "x"}, {"class": None}],
            [{"class": "y"}, {"class": 2}],
        ),
        (
            {"properties": {"at": {"type": "string", "format": "date-time", "minLength": 30}}},
            [{"at": "2026-01-31T12:00:00.000000+01:00"}],
            [{"at": "2026-01-31T12:00:00"}, {"at": "now"}],
        ),
        (
            {"properties": {"datetime": {"type": "string", "format": "date-time"}}},
            [{"datetime": "2026-01-31T12:00:00Z"}],
            [{"datetime": "2026-01-31"}],
        ),
        (
            {"properties": {"u": {"oneOf": _TAGGED}}},
            [{"u": {"k": "y"}}],
            [{"u": {"k": "z"}}, {"u": 1}],
        ),
        ({"properties": {"a": {"minLength": 2, "minimum": 2, "items": {}}}}, [{"a": 2}], []),
        ({"properties": {"u": {"oneOf": _UNTAGGED}}}, [{"u": {"x": 1, "y": "t"}}], []),
        (
            {"properties": {"u": {"anyOf": [{"type": "string"}, {"type": "string"}]}}},
            [{"u": "x"}],
            [],
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "integer"}},
                "patternProperties": {"^x-": {}},
                "additionalProperties": False,
            },
            [{"a": 1, "x-b": 1}],
            [{"a": "x"}],
        ),
        (
            {
                "$ref": "#/$defs/n",
                "$defs": {"n": {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}}},
            },
            [{"n": {"n": {}}}],
            [{"n": {"n": 1}}],
        ),
        (
            {
                "properties": {
                    "n": {"type": ["integer", "null"], "minimum": 1, "exclusiveMaximum": 9}
                }
            },
            [{"n": None}, {"n": 8}],
            [{"n": 0}, {"n": 9}, {"n": True}],
        ),
    ],
)
def test_types_refuse_no_valid_data_and_what_they_can_of_the_rest(
    schema: dict[str, Any], accepted: list[object], refused: list[object], tmp_path: Path
) -> None:
    contract = Contract(_NAME, "1.0.0", {"type": "object", **schema})
    decoder = _decoder(tmp_path, contract)
    for value in accepted:
        assert contract.problems(value) == []
        assert _accepts(decoder, value), value
    for value in refused:
        assert contract.problems(value)
        assert not _accepts(decoder, value), value


def test_what_types_cannot_say_is_listed() -> None:
    schema = {
        "properties": {
            "mail": {"type": "string", "format": "email"},
            "day": {"type": "string", "format": "date", "pattern": "^2"},
            "tags": {"type": "array", "uniqueItems": True},
            "not": {"const": {"uniqueItems": True}},
        },
        "if": {"required": ["day"]},
    }
    assert set(limits_of(schema)) == {
        "/properties/mail: format email",
        "/properties/day: pattern",
        "/properties/tags: uniqueItems",
        "/properties/not: const",
        "the whole: if",
        "the whole: no type is said; only objects are taken here",
        "/if: required",
    }


def test_a_schema_cannot_write_code_of_its_own(tmp_path: Path) -> None:
    evil = '"""\nimport os\nos.abort()\n\\'
    schema = {
        "title": evil,
        "description": evil,
        "type": "object",
        "customBasePath": "os.abort",
        "x-python-import": {"module": "os", "name": "abort"},
        "properties": {
            evil: {"type": "string", "format": evil, "description": evil},
            "a": {"type": "object", "customTypePath": "os.abort", "properties": {}},
        },
    }
    contract = Contract(_NAME, "1.0.0", schema)
    assert _accepts(_decoder(tmp_path, contract), {evil: "x", "a": {}})
    assert "import os" not in [
        each.strip()
        for each in typed_code(
            Contract(_NAME, "1.0.0", {**schema, "title": "", "properties": {}})
        ).splitlines()
    ]


def test_a_schema_with_dynamic_references_is_refused_and_says_what_to_do() -> None:
    schema = {"$defs": {"a": {"$dynamicAnchor": "a"}}, "$dynamicRef": "#a"}
    with pytest.raises(Halt, match="refer by"):
        typed_code(Contract(_NAME, "1.0.0", schema))


def test_one_contract_goes_to_a_file_and_several_to_a_folder(tmp_path: Path) -> None:
    project = write_project(tmp_path / "project")
    write_contract(project, "sales.order.placed", {"type": "object"}, "2.0.0")
    arguments = ["contract", "types", "--json", "-p", str(project), "-o"]
    file = str(tmp_path / "orders.py")
    one = CliRunner().invoke(app, [*arguments, file, "sales.order.placed@1"])
    assert json.loads(one.output) == {
        "contract": "sales.order.placed",
        "version": "1.0.0",
        "file": file,
        "type": "SalesOrderPlaced",
    }
    several = CliRunner().invoke(app, [*arguments, file])
    assert (several.exit_code, "name one" in several.output) == (2, True)
    unknown = CliRunner().invoke(app, [*arguments, file, "sales.order.sold"])
    assert (unknown.exit_code, "sales.order.placed" in unknown.output) == (2, True)
