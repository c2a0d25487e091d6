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


def refused(folder: Path, data: bytes) -> list[str]:
    (contract,) = load_contracts(folder)
    return [each.pointer for each in contract.decode(data)[1]]


def test_a_name_inside_the_schema_or_a_definition_file_can_be_referred_to(tmp_path: Path) -> None:
    write(
        tmp_path,
        "contracts/definitions/address.json",
        {"$defs": {"zip": {"$anchor": "zip", "type": "string"}}},
    )
    schema = {
        "properties": {
            "zip": {"$ref": "../../definitions/address.json#zip"},
            "unit": {"$ref": "urn:example:unit"},
            "shape": {"$ref": "#shape"},
            "again": {"$ref": "1.0.0.schema.json#/properties/zip"},
            "schema": {"$ref": "https://json-schema.org/draft/2020-12/schema"},
        },
        "$defs": {
            "unit": {"$id": "urn:example:unit", "enum": ["kg"]},
            "shape": {"$anchor": "shape", "const": "box"},
        },
    }
    write(tmp_path, f"{PLACE}/1.0.0.schema.json", schema)
    good = {"zip": "1", "unit": "kg", "shape": "box", "again": "1", "schema": {"type": "string"}}
    assert refused(tmp_path, json.dumps(good).encode()) == []
    bad = {"zip": 1, "unit": "lb", "shape": "bag", "again": 1, "schema": {"type": "text"}}
    found = refused(tmp_path, json.dumps(bad).encode())
    assert found == ["/zip", "/unit", "/shape", "/again", "/schema/type"]


def test_definition_files_may_refer_to_one_another_in_a_circle(tmp_path: Path) -> None:
    for one, other in (("left", "right"), ("right", "left")):
        write(
            tmp_path,
            f"contracts/definitions/{one}.json",
            {
                "properties": {other: {"$ref": f"{other}.json"}, "n": {"type": "integer"}},
                "additionalProperties": False,
            },
        )
    write(tmp_path, f"{PLACE}/1.0.0.schema.json", {"$ref": "../../definitions/left.json"})
    assert refused(tmp_path, b'{"right": {"left": {"right": {"n": 1}}}}') == []
    assert refused(tmp_path, b'{"right": {"left": {"right": {"n": "1"}}}}') == [
        "/right/left/right/n"
    ]


def test_a_dynamic_reference_finds_the_outermost_anchor_also_in_a_definition_file(
    tmp_path: Path,
) -> None:
    tree = {
        "$dynamicAnchor": "node",
        "type": "object",
        "properties": {"children": {"items": {"$dynamicRef": "#node"}}},
    }
    write(tmp_path, "contracts/definitions/tree.json", tree)
    strict = {
        "$dynamicAnchor": "node",
        "$ref": "../../definitions/tree.json",
        "unevaluatedProperties": False,
    }
    write(tmp_path, f"{PLACE}/1.0.0.schema.json", strict)
    assert refused(tmp_path, b'{"children": [{"children": []}]}') == []
    assert refused(tmp_path, b'{"children": [{"childern": []}]}') != []


def test_a_schema_with_an_id_of_its_own_is_told_why_a_file_is_not_found(tmp_path: Path) -> None:
    schema = {"$id": "https://example.com/a", "$ref": "../../definitions/address.json"}
    write(tmp_path, f"{PLACE}/1.0.0.schema.json", schema)
    (problem,) = told(tmp_path)
    assert problem.startswith(f"{PLACE}/1.0.0.schema.json:1 $ref")
    assert problem.endswith("and remove $id, which changes where that is")


def test_what_is_a_value_is_no_reference(tmp_path: Path) -> None:
    schema = {"const": {"$ref": "http://example.com/x"}, "examples": [{"$ref": "../secret.json"}]}
    write(tmp_path, f"{PLACE}/1.0.0.schema.json", schema)
    assert refused(tmp_path, b'{"$ref": "http://example.com/x"}') == []


def test_an_escaped_reference_is_never_followed(tmp_path: Path) -> None:
    write(tmp_path, f"{PLACE}/1.0.0.schema.json", '{"\\u0024ref": "file:///etc/hostname"}')
    (problem,) = told(tmp_path)
    assert "not a usable schema" in problem


def test_a_missing_definition_file_is_told(tmp_path: Path) -> None:
    schema = {"$ref": "../../definitions/gone.json"}
    write(tmp_path, f"{PLACE}/1.0.0.schema.json", schema)
    with pytest.raises(ProjectError, match=r"definitions/gone\.json:1: cannot be read"):
        load_contracts(tmp_path)
