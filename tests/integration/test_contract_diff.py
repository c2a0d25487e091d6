"""``crossdock contract diff`` and ``compat``, and the checks that refuse a break."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from crossdock.cli.main import app
from project_folder import INVOICE, ORDER, write, write_contract, write_project

NAME = "sales.order.placed"
PLACE = "contracts/sales/order.placed"


WORKER = """\
worker: {name}
adapter: file-out
settings: {{path: out/{name}.jsonl, format: jsonl}}
"""
SOURCE = f"""\
worker: shop
adapter: cron-in
publishes: {NAME}@^1
settings: {{schedule: '0 * * * *'}}
"""
INTEGER: dict[str, Any] = {"type": "integer"}
TEXT: dict[str, Any] = {"type": "string"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_project(tmp_path)
    write(tmp_path, f"{PLACE}/examples/1.0.0/german.json", '{"order":"1","country":"DE","total":5}')
    route = tmp_path / "routes/by-country.yaml"
    example = "examples:\n  - {given: 1.0.0/german, expect: [eu]}\n"
    route.write_text(route.read_text().strip("\n") + "\n" + example)
    for name in ("eu", "world"):
        write(tmp_path, f"workers/{name}.yaml", WORKER.format(name=name))
    (tmp_path / "out").mkdir()
    return tmp_path


def changed(schema: dict[str, Any], **properties: dict[str, Any] | None) -> dict[str, Any]:
    """Return the schema with properties added, changed, or removed (None)."""
    new = deepcopy(schema)
    for name, each in properties.items():
        if each is None:
            del new["properties"][name]
            new["required"] = [key for key in new["required"] if key != name]
        else:
            new["properties"][name] = each
    return new


def contract(project: Path, *arguments: str) -> Result:
    words = ["contract", *arguments, "--project", str(project)]
    return CliRunner().invoke(app, words, env={"COLUMNS": "200"})


def told(result: Result) -> Any:  # noqa: ANN401 - JSON is untyped
    return json.loads(result.stdout)


def checked(project: Path) -> int:
    return CliRunner().invoke(app, ["contract", "check", "--project", str(project)]).exit_code


class TestDiff:
    def test_a_break_is_told_with_its_document_and_exit_code(self, project: Path) -> None:
        write_contract(
            project, NAME, changed(ORDER, total={"type": "number", "minimum": 1}), "1.1.0"
        )
        result = contract(project, "diff", f"{NAME}@1.0.0", f"{NAME}@1.1.0")
        assert result.exit_code == 1
        for text in ("minimum-added", "/properties/total/minimum", "nothing → 1", "backward"):
            assert text in result.stdout
        assert f"{NAME} 1.0.0 accepts this, {NAME} 1.1.0 refuses it" in result.stdout
        assert "/total: less than 1" in result.stdout

    def test_programs_get_everything(self, project: Path) -> None:
        write_contract(project, NAME, changed(ORDER, note=TEXT), "1.1.0")
        result = contract(project, "diff", f"{NAME}@1.0.0", f"{NAME}@1.1.0", "--json")
        found = told(result)
        (difference,) = found["differences"]
        assert result.exit_code == 0
        assert (found["mode"], found["breaks"]) == ("backward", False)
        assert difference["code"] == "optional-property-added-to-unopen-content-model"
        assert (difference["backward"], difference["forward"]) == ("keeps", "breaks")
        assert "note" in found["counterexamples"]["forward"]["document"]
        assert found["counterexamples"]["backward"] is None

    def test_the_mode_is_that_of_the_contract_or_as_asked(self, project: Path) -> None:
        write_contract(project, NAME, changed(ORDER, note=TEXT), "1.1.0")
        write(project, f"{PLACE}/contract.yaml", "compatibility: full\n")
        versions = (f"{NAME}@1.0.0", f"{NAME}@1.1.0")
        assert contract(project, "diff", *versions).exit_code == 1
        assert contract(project, "diff", *versions, "--mode", "backward").exit_code == 0
        assert contract(project, "diff", *versions, "--mode", "none").exit_code == 0

    def test_files_need_no_project_around_them(self, project: Path) -> None:
        write(project, "drafts/old.json", '{"type": "string", "maxLength": 3}')
        write(project, "drafts/new.json", '{"type": "string", "maxLength": 2}')
        old, new = str(project / "drafts/old.json"), str(project / "drafts/new.json")
        result = contract(project, "diff", old, new, "--json")
        assert result.exit_code == 1
        assert told(result)["counterexamples"]["backward"]["document"] == "aaa"
        assert told(result)["impact"] is None

    def test_a_file_of_the_project_is_read_with_its_definitions(self, project: Path) -> None:
        write(project, "contracts/definitions/town.json", '{"type": "string"}')
        refers = {"properties": {"town": {"$ref": "../../definitions/town.json"}}}
        write_contract(project, "sales.town.added", refers, "1.0.0")
        write_contract(project, "sales.town.added", {**refers, "required": ["town"]}, "1.1.0")
        files = [f"{project}/contracts/sales/town.added/1.{at}.0.schema.json" for at in (0, 1)]
        result = contract(project, "diff", *files, "--json")
        assert [each["code"] for each in told(result)["differences"]] == [
            "required-attribute-added"
        ]

    @pytest.mark.parametrize("unknown", ["sales.order.lost", f"{NAME}@9", "no/such.json", "{}"])
    def test_what_is_not_there_is_said_so(self, project: Path, unknown: str) -> None:
        result = contract(project, "diff", unknown, NAME)
        assert result.exit_code == 2
        assert "no file, and no version of a contract" in result.stderr


class TestImpact:
    def test_a_route_that_reads_a_field_that_goes_away(self, project: Path) -> None:
        write(project, "new.json", json.dumps(changed(ORDER, total=None)))
        result = contract(project, "diff", NAME, str(project / "new.json"), "--json")
        impact = told(result)["impact"]
        (route,) = impact["routes"]
        assert (route["route"], route["accepts"], route["sends"]) == ("by-country", True, False)
        assert impact["version"] == "1.1.0"
        places = [each["place"] for each in route["problems"] if "total" in each["message"]]
        assert "routes/by-country.yaml:3" in places
        assert any("example 1.0.0/german" in each["message"] for each in route["problems"])

    def test_a_route_whose_mapping_does_not_make_what_is_asked(self, project: Path) -> None:
        new = changed(INVOICE, payer=TEXT)
        new["required"] = [*new["required"], "payer"]
        write(project, "new.json", json.dumps(new))
        result = contract(
            project, "diff", "billing.invoice.requested", str(project / "new.json"), "--json"
        )
        (route,) = told(result)["impact"]["routes"]
        assert (route["accepts"], route["sends"]) == (False, True)
        assert any("payer" in each["message"] for each in route["problems"])
        assert result.exit_code == 1

    def test_a_change_that_hurts_nobody_is_told_so(self, project: Path) -> None:
        write(project, "new.json", json.dumps(changed(ORDER, note=TEXT)))
        result = contract(project, "diff", NAME, str(project / "new.json"), "--json")
        impact = told(result)["impact"]
        assert result.exit_code == 0
        assert [each["problems"] for each in impact["routes"]] == [[]]
        assert (impact["examples"], impact["staying"]) == ([], [])

    def test_a_new_major_version_is_not_given_to_routes_of_the_old_one(self, project: Path) -> None:
        write_contract(project, NAME, changed(ORDER, total=None), "2.0.0")
        result = contract(project, "diff", f"{NAME}@1", f"{NAME}@2", "--json")
        impact = told(result)["impact"]
        assert (impact["routes"], impact["staying"]) == ([], ["by-country"])

    def test_valid_examples_that_would_be_refused_and_who_publishes(self, project: Path) -> None:
        write(project, "workers/shop.yaml", SOURCE)
        new = changed(ORDER, total={"type": "number", "minimum": 9})
        write(project, "new.json", json.dumps(new))
        result = contract(project, "diff", NAME, str(project / "new.json"), "--json")
        impact = told(result)["impact"]
        assert [each["place"] for each in impact["examples"]] == [
            f"{PLACE}/examples/1.0.0/german.json:1"
        ]
        assert [(each["kind"], each["name"]) for each in impact["publishers"]] == [
            ("worker", "shop")
        ]


class TestCompat:
    def test_each_version_is_compared_and_a_break_refused(self, project: Path) -> None:
        write_contract(project, NAME, changed(ORDER, note=TEXT), "1.1.0")
        write_contract(project, NAME, changed(ORDER, total=INTEGER), "1.2.0")
        write_contract(project, NAME, {"type": "array"}, "2.0.0")
        result = contract(project, "compat", NAME, "--json")
        assert result.exit_code == 1
        steps = [(each["old"], each["new"], each["refused"]) for each in told(result)]
        assert steps == [
            ("1.0.0", "1.1.0", False),
            ("1.1.0", "1.2.0", True),
            ("1.2.0", "2.0.0", False),
        ]
        shown = contract(project, "compat")
        assert (
            f"! {NAME} 1.2.0 → 2.0.0 breaks backward, as another major version may" in shown.stdout
        )
        assert "3 compared, 1 refused" in shown.stdout

    def test_an_unknown_contract_is_said_so(self, project: Path) -> None:
        assert contract(project, "compat", "no.such.contract").exit_code == 2


class TestChecks:
    def test_a_check_refuses_a_version_that_breaks_its_mode_with_its_line(
        self, project: Path
    ) -> None:
        write_contract(project, NAME, changed(ORDER, total=INTEGER), "1.1.0")
        new = json.dumps(changed(ORDER, total=INTEGER), indent=1)
        (project / f"{PLACE}/1.1.0.schema.json").write_text(new)
        line = next(at for at, text in enumerate(new.splitlines(), 1) if '"integer"' in text)
        for words in (["check", str(project)], ["contract", "check", "--project", str(project)]):
            result = CliRunner().invoke(app, [*words, "--json"])
            assert result.exit_code == 1
            (problem,) = told(result)["problems"]
            assert problem["place"] == f"{PLACE}/1.1.0.schema.json:{line}"
            assert (
                f"{NAME} 1.1.0 is not backward compatible with 1.0.0 (type-narrowed)"
                in problem["message"]
            )

    @pytest.mark.parametrize("version", ["2.0.0", "1.1.0-rc.1"])
    def test_a_check_lets_another_major_version_and_a_pre_release_break(
        self, project: Path, version: str
    ) -> None:
        write_contract(project, NAME, changed(ORDER, total=INTEGER), version)
        assert (
            CliRunner().invoke(app, ["contract", "check", "--project", str(project)]).exit_code == 0
        )

    def test_a_check_lets_a_contract_without_a_mode_break(self, project: Path) -> None:
        write_contract(project, NAME, changed(ORDER, total=INTEGER), "1.1.0")
        write(project, f"{PLACE}/contract.yaml", "compatibility: none\n")
        assert (
            CliRunner().invoke(app, ["contract", "check", "--project", str(project)]).exit_code == 0
        )
