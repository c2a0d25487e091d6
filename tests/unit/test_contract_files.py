from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crossdock.mesh.project.contract_abouts import read_abouts
from crossdock.mesh.project.contract_examples import deep_problems
from crossdock.mesh.project.contract_files import load_contracts, read_contracts
from crossdock.mesh.project.problems import ProjectError

PLACE = "contracts/sales/order.placed"


def write(folder: Path, file: str, content: str | dict[str, Any]) -> None:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))


def told(folder: Path) -> list[str]:
    files, problems = read_contracts(folder)
    abouts, unsaid = read_abouts(folder)
    problems += unsaid + deep_problems(folder, files, abouts)
    return [f"{each.place} {each.message}" for each in problems]


def test_each_file_is_one_version(tmp_path: Path) -> None:
    write(tmp_path, f"{PLACE}/1.0.0.schema.json", {"type": "string"})
    write(tmp_path, f"{PLACE}/2.0.0.schema.json", {"type": "integer"})
    write(tmp_path, "contracts/hr/person.hired/1.0.0.schema.json", {})
    contracts = load_contracts(tmp_path)
    assert contracts.names() == ("hr.person.hired", "sales.order.placed")
    assert contracts.versions("sales.order.placed") == ("1.0.0", "2.0.0")


def test_a_project_without_contracts_has_none(tmp_path: Path) -> None:
    assert len(load_contracts(tmp_path)) == 0


def test_the_same_files_give_equal_contracts(tmp_path: Path) -> None:
    write(tmp_path, f"{PLACE}/1.0.0.schema.json", {"type": "string"})
    before = load_contracts(tmp_path)
    assert load_contracts(tmp_path) == before
    write(tmp_path, f"{PLACE}/1.0.0.schema.json", {"type": "integer"})
    assert load_contracts(tmp_path) != before


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        (
            f"{PLACE}/1.0.schema.json",
            "{}",
            f"{PLACE}/1.0.schema.json:1 not the name of a schema: write VERSION.schema.json",
        ),
        (
            f"{PLACE}/1.0.0.json",
            "{}",
            f"{PLACE}/1.0.0.json:1 not the name of a schema",
        ),
        ("contracts/sales/order/1.0.0.schema.json", "{}", "contracts/sales/order:1 not a place"),
        ("contracts/Sales/a.b/1.0.0.schema.json", "{}", "contracts/Sales/a.b:1 not a place"),
        (f"{PLACE}/1.0.0.schema.json", "[]", f"{PLACE}/1.0.0.schema.json:1 a schema is"),
        (f"{PLACE}/1.0.0.schema.json", '{\n"a":\n}', f"{PLACE}/1.0.0.schema.json:3 not JSON"),
        (
            f"{PLACE}/1.0.0.schema.json",
            '{\n "properties": {\n  "a": {\n   "type": "text"\n}}}',
            f"{PLACE}/1.0.0.schema.json:4 not a valid schema: not one of the allowed values",
        ),
        (
            f"{PLACE}/1.0.0.schema.json",
            '{"$ref": "#/$defs/a"}',
            f"{PLACE}/1.0.0.schema.json:1 not a usable schema",
        ),
    ],
)
def test_a_faulty_file_is_told_with_its_line(
    tmp_path: Path, file: str, content: str, expected: str
) -> None:
    write(tmp_path, file, content)
    (problem,) = told(tmp_path)
    assert problem.startswith(expected)


def test_examples_are_of_the_highest_version_or_of_the_one_they_name(tmp_path: Path) -> None:
    write(tmp_path, f"{PLACE}/1.0.0.schema.json", {"type": "string"})
    write(tmp_path, f"{PLACE}/1.10.0.schema.json", {"type": "integer"})
    write(tmp_path, f"{PLACE}/examples/good.json", "1")
    write(tmp_path, f"{PLACE}/examples/bad.invalid.json", '"a"')
    write(tmp_path, f"{PLACE}/examples/1.0.0/good.json", '"a"')
    assert told(tmp_path) == []


def test_an_example_that_its_contract_refuses_is_told_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, f"{PLACE}/1.0.0.schema.json", {"properties": {"a": {"type": "string"}}})
    write(tmp_path, f"{PLACE}/examples/good.json", '{\n "b": 1,\n "a": 1\n}')
    write(tmp_path, f"{PLACE}/examples/1.0.0/broken.json", "{")
    assert told(tmp_path) == [
        f"{PLACE}/examples/good.json:3 expected a string",
        f"{PLACE}/examples/1.0.0/broken.json:1 not JSON that we accept: correct it here",
    ]


def test_an_invalid_example_that_its_contract_accepts_is_told(tmp_path: Path) -> None:
    write(tmp_path, f"{PLACE}/1.0.0.schema.json", {"type": "object"})
    write(tmp_path, f"{PLACE}/examples/odd.invalid.json", "{}")
    (problem,) = told(tmp_path)
    assert problem.startswith(f"{PLACE}/examples/odd.invalid.json:1 sales.order.placed 1.0.0 accep")


@pytest.mark.parametrize("draft", ["2020-12", "draft-07"])
def test_definition_files_are_embedded_also_from_one_another(tmp_path: Path, draft: str) -> None:
    uri = {
        "2020-12": "https://json-schema.org/draft/2020-12/schema",
        "draft-07": "http://json-schema.org/draft-07/schema#",
    }[draft]
    write(tmp_path, "contracts/definitions/zip.json", {"type": "string", "maxLength": 5})
    write(
        tmp_path,
        "contracts/definitions/address.json",
        {"$defs": {"home": {"properties": {"zip": {"$ref": "zip.json"}}}}},
    )
    reference = "../../definitions/address.json#/$defs/home"
    schema = {"$schema": uri, "properties": {"to": {"$ref": reference}}}
    write(tmp_path, f"{PLACE}/1.0.0.schema.json", schema)
    (contract,) = load_contracts(tmp_path)
    assert contract.decode(b'{"to": {"zip": "12345"}}')[1] == []
    ((problem),) = contract.decode(b'{"to": {"zip": "123456"}}')[1]
    assert problem.pointer == "/to/zip"


@pytest.mark.parametrize(
    "reference",
    [
        "http://127.0.0.1:9/x.json",
        "file:///etc/passwd",
        "/etc/passwd",
        "../../../../secret.json",
        "../other/1.0.0.schema.json",
        "../../definitions/../../mesh.json",
    ],
)
def test_a_reference_to_anything_else_is_refused(tmp_path: Path, reference: str) -> None:
    write(tmp_path, f"{PLACE}/1.0.0.schema.json", {"properties": {"a": {"$ref": reference}}})
    (problem,) = told(tmp_path)
    assert "leads outside" in problem


def test_an_escaped_reference_is_never_followed(tmp_path: Path) -> None:
    write(tmp_path, f"{PLACE}/1.0.0.schema.json", '{"\\u0024ref": "file:///etc/hostname"}')
    (problem,) = told(tmp_path)
    assert "not a usable schema" in problem


def test_a_missing_definition_file_is_told(tmp_path: Path) -> None:
    schema = {"$ref": "../../definitions/gone.json"}
    write(tmp_path, f"{PLACE}/1.0.0.schema.json", schema)
    with pytest.raises(ProjectError, match=r"definitions/gone\.json:1: cannot be read"):
        load_contracts(tmp_path)
