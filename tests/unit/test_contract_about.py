from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from crossdock.cli.contract_check import inspect_contracts
from crossdock.cli.project_check import inspect_project
from crossdock.contracts import About, Deprecation, Expected, Registry
from crossdock.mesh.project.contract_files import load_contracts
from crossdock.mesh.project.problems import ProjectError
from project_folder import write

PLACE = "contracts/sales/order.placed"
FILE = f"{PLACE}/contract.yaml"
FULL = """\
title: An order was placed
owner: sales@example.com
description: |
  A customer has placed an order.
  It is paid.
compatibility: full-transitive
deprecated:
  reason: It holds no currency.
  since: 2026-03-01
  sunset: 2027-01-01
  replaced_by: sales.order.accepted@^1
personal:
  - /customer/email
  - /lines/*/name
invalid:
  no-lines: {pointer: /lines, keyword: minItems}
"""
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "properties": {
        "customer": {"$ref": "#/$defs/person"},
        "lines": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/line"}},
    },
    "$defs": {
        "person": {"properties": {"email": {"type": "string"}}},
        "line": {"properties": {"name": {"type": "string"}}},
    },
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that says everything of one contract."""
    write(tmp_path, "mesh.yaml", "mesh: shop\n")
    write(tmp_path, f"{PLACE}/1.0.0.schema.json", json.dumps(SCHEMA, indent=1))
    write(tmp_path, f"{PLACE}/examples/no-lines.invalid.json", '{"lines": []}')
    write(tmp_path, "contracts/sales/order.accepted/1.0.0.schema.json", '{"type": "object"}')
    (tmp_path / FILE).write_text(FULL)
    return tmp_path


def told(folder: Path) -> list[str]:
    return [f"{each.place}: {each.message}" for each in inspect_contracts(folder).problems]


def test_everything_that_a_contract_file_says_is_in_the_registry(project: Path) -> None:
    assert told(project) == []
    assert load_contracts(project).about("sales.order.placed") == About(
        title="An order was placed",
        owner="sales@example.com",
        description="A customer has placed an order.\nIt is paid.\n",
        compatibility="full-transitive",
        deprecated=Deprecation(
            reason="It holds no currency.",
            since=date(2026, 3, 1),
            sunset=date(2027, 1, 1),
            replaced_by="sales.order.accepted@^1",
        ),
        personal=("/customer/email", "/lines/*/name"),
        invalid={"no-lines": Expected(pointer="/lines", keyword="minItems")},
    )


def test_a_contract_without_a_file_has_the_defaults(project: Path) -> None:
    registry = load_contracts(project)
    assert registry.about("sales.order.accepted") == About()
    assert registry.about("not.known.here") == About()
    assert About().compatibility == "backward"


def test_registries_differ_by_what_is_said_of_a_contract() -> None:
    assert Registry((), {"a.b.c": About(title="A")}) != Registry((), {"a.b.c": About(title="B")})
    assert Registry((), {"a.b.c": About(title="A")}) == Registry((), {"a.b.c": About(title="A")})


FAULTS = [
    ("owner: sales@", "onwer: sales@", 2, "unknown key 'onwer'; did you mean 'owner'?"),
    ("title: An order was placed", "title: ''", 1, "shorter than 1 characters"),
    ("full-transitive", "half", 6, 'not one of the allowed values: "backward"'),
    ("  reason: It holds no currency.\n", "", 7, "missing key 'reason': add it"),
    ("2026-03-01", "2026-02-30", 9, "not a date: write for example 2027-06-30"),
    ("2027-01-01", "2026-01-01", 7, "sunset is before since"),
    ("order.accepted@^1", "order.acepted", 11, "no contract 'sales.order.acepted'"),
    ("order.accepted@^1", "order.accepted@^2", 11, "no version of sales.order.accepted is in"),
    ("order.accepted@^1", "order.placed", 11, "names the contract itself"),
    ("sales.order.accepted@^1", "something else", 7, "'something else' is not a contract name"),
    ("/customer/email", "customer/email", 13, "not a JSON Pointer into the data"),
    ("/customer/email", "/customer/mail", 13, "no version declares a field '/customer/mail'"),
    ("/lines/*/name", "/lines/name", 14, "no version declares a field '/lines/name'"),
    (
        "keyword: minItems",
        "keyword: required",
        16,
        "is not refused for that, but for minItems at /",
    ),
    ("pointer: /lines", "pointer: ''", 16, "is not refused for that, but for minItems at /lines"),
    ("no-lines:", "no-line:", 16, f"there is no {PLACE}/examples/no-line.invalid.json"),
]


@pytest.mark.parametrize(("old", "new", "line", "expected"), FAULTS)
def test_a_fault_is_told_with_its_line(
    project: Path, old: str, new: str, line: int, expected: str
) -> None:
    text = FULL.replace(old, new)
    assert text != FULL
    (project / FILE).write_text(text)
    found = [each for each in told(project) if expected in each]
    assert found, told(project)
    assert found[0].startswith(f"{FILE}:{line}: ")


def test_a_service_refuses_a_contract_file_that_is_wrong(project: Path) -> None:
    (project / FILE).write_text("titel: A\n")
    with pytest.raises(ProjectError, match=r"contract\.yaml:1: .*unknown key 'titel'"):
        load_contracts(project)


def test_a_contract_file_without_a_version_is_told(project: Path) -> None:
    write(project, "contracts/hr/person.hired/contract.yaml", "title: Hired\n")
    (problem,) = told(project)
    assert problem.startswith("contracts/hr/person.hired/contract.yaml:1: there is no version")


def test_an_expectation_may_be_of_one_version_s_own_example(project: Path) -> None:
    write(project, f"{PLACE}/2.0.0.schema.json", json.dumps(SCHEMA))
    write(project, f"{PLACE}/examples/1.0.0/old.invalid.json", '{"lines": 1}')
    text = FULL + "  1.0.0/old: {pointer: /lines, keyword: type}\n"
    (project / FILE).write_text(text)
    assert told(project) == []
    (project / FILE).write_text(text.replace("keyword: type", "keyword: enum"))
    assert len(told(project)) == 1


def test_a_route_that_accepts_a_deprecated_contract_is_a_warning(project: Path) -> None:
    settings = "settings: {path: x, format: jsonl}"
    write(project, "workers/book.yaml", f"worker: book\nadapter: file-out\n{settings}\n")
    write(
        project,
        "routes/orders.yaml",
        "route: orders\naccepts: sales.order.placed@^1\nsend: [{to: book}]\n",
    )
    findings = inspect_project(project)
    assert findings.problems == ()
    (warning,) = findings.warnings
    assert warning.place == "routes/orders.yaml:2"
    assert warning.message == (
        "sales.order.placed is deprecated since 2026-03-01, use sales.order.accepted@^1"
    )
