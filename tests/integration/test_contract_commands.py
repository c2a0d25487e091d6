"""``crossdock contract new``, ``check``, ``list`` and ``sample``, as a person uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from crossdock.cli.main import app
from project_folder import write

PLACE = "contracts/sales/order.placed"
ORDER = {
    "number": "A-1",
    "at": "2026-01-02T03:04:05Z",
    "customer": {"email": "ada@example.com"},
    "lines": [{"sku": "a", "qty": 1}, {"sku": "b", "qty": 2, "note": "gift"}],
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contract(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["contract", *arguments])


@pytest.mark.usefixtures("project")
def test_a_new_contract_passes_its_own_check() -> None:
    made = contract("new", "sales.order.placed", "--owner", "sales@example.com", "--json")
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["files"] == [
        f"{PLACE}/1.0.0.schema.json",
        f"{PLACE}/examples/small.json",
        f"{PLACE}/contract.yaml",
        f"{PLACE}/examples/no-id.invalid.json",
    ]
    checked = contract("check", "--json")
    assert checked.exit_code == 0
    assert [each["keyword"] for each in json.loads(checked.stdout)["warnings"]] == ["todo"]


def test_a_contract_can_be_made_from_documents(project: Path) -> None:
    write(project, "order.json", json.dumps(ORDER))
    assert contract("new", "sales.order.placed", "--from", "order.json").exit_code == 0
    schema = json.loads((project / f"{PLACE}/1.0.0.schema.json").read_text())
    assert schema["properties"]["at"] == {"type": "string", "format": "date-time"}
    assert schema["properties"]["lines"]["items"]["required"] == ["sku", "qty"]
    about = yaml.safe_load((project / f"{PLACE}/contract.yaml").read_text())
    assert about["invalid"] == {"no-number": {"pointer": "", "keyword": "required"}}
    assert contract("check", "sales.order.placed").exit_code == 0


def test_names_of_examples_come_from_documents_and_lead_nowhere_else(project: Path) -> None:
    write(project, "a/Order 1.invalid.json", json.dumps({"../../../x": 1}))
    write(project, "b/order-1.json", json.dumps({"../../../x": 2}))
    made = contract(
        *("new", "sales.order.placed", "--json"),
        *("--from", "a/Order 1.invalid.json", "--from", "b/order-1.json"),
    )
    assert [each.rpartition("/")[2] for each in json.loads(made.stdout)["files"][1:]] == [
        "order-1.json",
        "order-1-2.json",
        "contract.yaml",
        "no-x.invalid.json",
    ]
    assert contract("check").exit_code == 0


def test_a_further_version_begins_as_a_copy_of_the_highest(project: Path) -> None:
    for version in ("1.0.0", "1.1.0"):
        assert contract("new", "sales.order.placed").exit_code == 0
        assert (project / f"{PLACE}/{version}.schema.json").exists()
    assert contract("new", "sales.order.placed", "--version", "2.0.0").exit_code == 0
    one, two = (project / f"{PLACE}/{each}.schema.json" for each in ("1.0.0", "2.0.0"))
    assert one.read_text() == two.read_text()
    assert contract("check").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("sales.order",), "'sales.order' is not a contract name: write domain.entity.event"),
        (("sales.order.placed@2",), "leave the version to --version"),
        (("sales.order.placed", "--version", "two"), "Invalid version string: 'two'"),
        (("../../etc/x.y",), "is not a contract name"),
        (("hr.person.hired", "--version", "1.0.0"), "there already, nothing was written"),
        (("hr.person.left", "--from", "broken.json"), "broken.json:2: not JSON that we accept"),
        (("hr.person.left", "--from", "deep.json"), "deep.json: nested deeper than 100 levels"),
    ],
)
def test_what_cannot_be_made_changes_nothing(
    project: Path, arguments: tuple[str, ...], expected: str
) -> None:
    write(project, "broken.json", "{\n")
    write(project, "deep.json", "[" * 200 + "]" * 200)
    contract("new", "hr.person.hired")
    before = sorted(project.rglob("*"))
    refused = contract("new", *arguments)
    assert refused.exit_code == 2
    assert expected in refused.stderr
    assert sorted(project.rglob("*")) == before


def test_check_tells_problems_with_their_place_and_exits_1(project: Path) -> None:
    contract("new", "sales.order.placed")
    write(project, f"{PLACE}/examples/small.json", '{"id": ""}')
    write(project, "contracts/hr/person.hired/1.0.0.schema.json", '{"type": "nothing"}')
    checked = contract("check", "sales.order.placed")
    assert (checked.exit_code, checked.stdout) == (
        1,
        f"{PLACE}/examples/small.json:1: shorter than 1 characters\n",
    )
    assert contract("check").stdout.count("\n") == 2
    assert contract("check", "sales.order.paid").exit_code == 2


@pytest.mark.parametrize("name", ["containers", "operations", "trial"])
def test_the_contracts_of_the_examples_leave_nothing_in_doubt(name: str) -> None:
    folder = Path(__file__).parents[2] / "examples" / name
    checked = contract("check", "--strict", "--project", str(folder))
    assert checked.exit_code == 0, checked.output


def test_check_warns_with_a_code_and_fails_only_when_it_is_strict(project: Path) -> None:
    write(project, f"{PLACE}/1.0.0.schema.json", '{\n"propertys": {}}')
    checked = contract("check")
    assert checked.exit_code == 0
    assert f"{PLACE}/1.0.0.schema.json:2: warning: 'propertys' is no keyword" in checked.stdout
    codes = [line.rpartition(" ")[2] for line in checked.stdout.splitlines()[:-1]]
    assert {"[unknown-keyword]", "[no-draft]", "[no-owner]", "[no-example]"} <= set(codes)
    assert contract("check", "--strict").exit_code == 1


def test_a_draft_7_schema_is_a_note_and_no_warning(project: Path) -> None:
    contract("new", "sales.order.placed")
    path = project / f"{PLACE}/1.0.0.schema.json"
    draft = "http://json-schema.org/draft-07/schema#"
    path.write_text(path.read_text().replace("https://json-schema.org/draft/2020-12/schema", draft))
    about = project / f"{PLACE}/contract.yaml"
    about.write_text(about.read_text().replace("TODO", "Later"))
    checked = contract("check", "--strict")
    assert checked.exit_code == 0
    assert ": note: draft-07 is accepted" in checked.stdout


def test_list_shows_what_is_said_of_each_contract(project: Path) -> None:
    assert "crossdock contract new" in contract("list").stdout
    contract("new", "sales.order.placed", "--owner", "sales@example.com")
    (listed,) = json.loads(contract("list", "--json").stdout)
    assert (listed["name"], listed["versions"]) == ("sales.order.placed", ["1.0.0"])
    assert listed["about"]["owner"] == "sales@example.com"
    with (project / f"{PLACE}/contract.yaml").open("a") as about:
        about.write("deprecated: {reason: old, since: 2026-01-01}\n")
    shown = contract("list").stdout
    assert "sales.order.placed" in shown
    assert "deprecated" in shown


def test_show_tells_fields_examples_and_who_makes_and_takes_it(project: Path) -> None:
    write(project, "mesh.yaml", "mesh: shop\n")
    write(project, "order.json", json.dumps(ORDER))
    contract("new", "sales.order.placed", "--from", "order.json", "--owner", "sales@example.com")
    write(
        project,
        "routes/orders.yaml",
        "route: orders\naccepts: sales.order.placed@^1\nsend: [{to: book}]\n",
    )
    with (project / f"{PLACE}/contract.yaml").open("a") as about:
        about.write("personal: [/customer/email]\n")
        about.write("deprecated: {reason: old, since: 2026-01-01, sunset: 2027-01-01}\n")
    shown = contract("show", "sales.order.placed")
    assert shown.exit_code == 0, shown.output
    for part in (
        "sales.order.placed 1.0.0",
        "Deprecated since 2026-01-01, until 2027-01-01: old",
        "sales@example.com",
        "route orders",
        "✗ no-number  required at the whole",
        "✓ order",
        "lines[].note ?",
        "personal",
    ):
        assert part in shown.stdout
    view = json.loads(contract("show", "sales.order.placed@1", "--json").stdout)
    assert [each["name"] for each in view["taken_by"]] == ["orders"]
    assert view["about"]["personal"] == ["/customer/email"]


@pytest.mark.usefixtures("project")
def test_show_needs_no_mesh_and_says_when_there_is_no_such_contract() -> None:
    contract("new", "sales.order.placed")
    assert contract("show", "sales.order.placed").exit_code == 0
    for reference in ("sales.order.paid", "sales.order.placed@^2", "sales"):
        assert contract("show", reference).exit_code == 2


def test_samples_are_documents_that_the_contract_accepts(project: Path) -> None:
    write(project, "order.json", json.dumps(ORDER))
    contract("new", "sales.order.placed", "--from", "order.json")
    lines = contract("sample", "sales.order.placed", "--count", "3", "--seed", "1")
    assert lines.exit_code == 0
    made = contract("sample", "sales.order.placed", "--count", "3", "--seed", "1", "--json")
    assert [json.loads(line) for line in lines.stdout.splitlines()] == json.loads(made.stdout)[
        "samples"
    ]
    for index, line in enumerate(lines.stdout.splitlines()):
        write(project, f"{PLACE}/examples/sample-{index}.json", line)
    assert contract("check").exit_code == 0


def test_a_sample_that_cannot_be_made_is_said_and_exits_1(project: Path) -> None:
    write(project, f"{PLACE}/1.0.0.schema.json", '{"type": "string", "pattern": "^(?!a)a$"}')
    refused = contract("sample", "sales.order.placed")
    assert refused.exit_code == 1
    assert "Write an example by hand" in refused.stderr
    assert contract("sample", "sales.order.placed@^2").exit_code == 2
