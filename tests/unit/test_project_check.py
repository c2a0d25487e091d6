from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crossdock.cli.main import app
from crossdock.cli.project_check import inspect_project

ADAPTERS = """
import msgspec
from crossdock.mesh.project.scalars import Secret
from crossdock.workers.adapter import Adapter

class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str = "x"
    password: Secret | None = None

def make(settings, context):
    raise AssertionError("checking a project starts nothing")

sink = Adapter(name="test-out", summary="", direction="sink", settings=Settings, make=make)
source = Adapter(name="test-in", summary="", direction="source", settings=Settings, make=make)
"""
POINTS = """[crossdock.adapters]
test-out = checked_adapters:sink
test-in = checked_adapters:source
needy = checked_adapters_with_needs:adapter
"""
PLACED = "contracts/sales/order.placed/1.0.0.schema.json"
GOOD = {
    "mesh.yaml": "mesh: shop\npolicies:\n  slow: {attempts: 3}\n",
    PLACED: '{"type": "object", "required": ["total"]}',
    "contracts/sales/order.placed/examples/small.json": '{"total": 1}',
    "routes/orders.yaml": (
        "route: orders\n"
        "accepts: sales.order.placed@^1\n"
        "where: total > 0\n"
        "on_failure: slow\n"
        "send:\n"
        "  - {when: total > 9, to: book, map: big.jsonata}\n"
        "  - {else: true, to: [book, shelf]}\n"
    ),
    "routes/big.jsonata": "$merge([$, {'big': true}])",
    "workers/book.yaml": "worker: book\nadapter: test-out\nsettings:\n  path: out\n",
    "workers/files.yaml": (
        "worker: files\nadapter: test-out\nconsumes: shelf\nsettings: {password: '${env:P}'}\n"
    ),
    "workers/door.yaml": (
        "worker: door\nadapter: test-in\npublishes: sales.order.placed\nid: number\nmap: $\n"
    ),
}
ROUTE = GOOD["routes/orders.yaml"]
DOOR = GOOD["workers/door.yaml"]
BOOK = GOOD["workers/book.yaml"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that is right, with adapters that are installed as a third party's would be."""
    packages = tmp_path / "packages"
    write(packages, "checked_adapters.py", ADAPTERS)
    write(packages, "checked_adapters_with_needs.py", "import httpx_that_is_not_there")
    write(packages, "checked-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: checked\n")
    write(packages, "checked-1.dist-info/entry_points.txt", POINTS)
    monkeypatch.syspath_prepend(packages)
    monkeypatch.delenv("P", raising=False)
    folder = tmp_path / "shop"
    for file, text in GOOD.items():
        write(folder, file, text)
    return folder


def write(folder: Path, file: str, text: str) -> None:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def told(folder: Path) -> list[str]:
    return [f"{each.place}: {each.message}" for each in inspect_project(folder).problems]


def test_a_project_that_is_right_has_no_problem_and_no_warning(project: Path) -> None:
    findings = inspect_project(project)
    assert (findings.problems, findings.warnings) == ((), ())


FAULTS = [
    ("mesh.yaml", "mesh: Shop\n", "mesh.yaml:1: not a name for a mesh: use lower-case"),
    ("mesh.yaml", "mesh: a\npolicy: {}\n", "mesh.yaml:2: unknown key 'policy'; did you mean 'poli"),
    ("mesh.yaml", "mesh: a\npolicies: {a.b: {}}\n", "mesh.yaml:2: 'a.b' cannot be the name of"),
    ("mesh.yaml", "mesh: a\npolicies:\n  slow:\n    delays: 3s\n", "mesh.yaml:4: expected a list"),
    ("mesh.yaml", "mesh: a\ngateway:\n  timeout: 10\n", "mesh.yaml:3: not a duration"),
    ("mesh.yaml", "mesh: a\nbroker:\n  replicas: 9\n", "mesh.yaml:3: greater than 5"),
    ("mesh.yaml", "mesh: a\npolicies: {a: {delays: []}}\n", "mesh.yaml:2: fewer than 1 items"),
    (
        "mesh.yaml",
        "mesh: a\nbroker:\n  mqtt:\n    user: u\n    listen: a\n    password: x\n",
        "mesh.yaml:6: a secret is never written into a file",
    ),
    (PLACED, '{\n"type": 1}', f"{PLACED}:2: not a valid schema"),
    (PLACED, "{", f"{PLACED}:1: not JSON"),
    (
        "contracts/sales/order.placed/examples/small.json",
        "{}",
        "contracts/sales/order.placed/examples/small.json:1: missing property 'total'",
    ),
    (
        "routes/orders.yaml",
        ROUTE + "route: b\n",
        "routes/orders.yaml:8: key 'route' is there twice",
    ),
    (
        "routes/orders.yaml",
        ROUTE.replace("route: orders", "route: order"),
        "routes/orders.yaml:1: the file is named 'orders', but route is 'order': make",
    ),
    (
        "routes/orders.yaml",
        ROUTE.replace("placed@", "plced@"),
        "routes/orders.yaml:2: no contract 'sales.order.plced': there is sales.order.placed",
    ),
    ("routes/orders.yaml", ROUTE.replace("^1", "^7"), "routes/orders.yaml:2: no version of sales."),
    (
        "routes/orders.yaml",
        ROUTE.replace("^1", "x y"),
        "routes/orders.yaml:2: 'x y' is not a range",
    ),
    (
        "routes/orders.yaml",
        ROUTE.replace("total > 0", "total >"),
        "routes/orders.yaml:3: not a JSON",
    ),
    (
        "routes/orders.yaml",
        ROUTE.replace("slow", "slwo"),
        "routes/orders.yaml:4: unknown policy 'slwo'; did you mean 'slow'?",
    ),
    (
        "routes/orders.yaml",
        ROUTE.replace("to: book,", "to: bok,"),
        "routes/orders.yaml:6: no worker consumes 'bok'; did you mean 'book'?",
    ),
    (
        "routes/orders.yaml",
        ROUTE.replace("[book, shelf]", "[book, warehouse]"),
        "routes/orders.yaml:7: no worker consumes 'warehouse'; add workers/warehouse.yaml",
    ),
    (
        "routes/orders.yaml",
        ROUTE.replace("to: book,", "to: Book.x,"),
        "routes/orders.yaml:6: 'Book",
    ),
    (
        "routes/orders.yaml",
        ROUTE.replace("when: total > 9, ", ""),
        "routes/orders.yaml:7: never re",
    ),
    (
        "routes/orders.yaml",
        ROUTE.replace("big.json", "gone.json"),
        "routes/orders.yaml:6: gone.json",
    ),
    (
        "routes/orders.yaml",
        ROUTE.replace("big.jsonata", "../mesh.jsonata"),
        "routes/orders.yaml:6: ../mesh.jsonata: lies outside",
    ),
    (
        "routes/big.jsonata",
        "{",
        "routes/orders.yaml:6: big.jsonata: not a JSONata expression: line 1",
    ),
    (
        "routes/orders.yaml",
        ROUTE + "send_all: [{to: book}]\n",
        "routes/orders.yaml:1: a route has either `send` or `send_all`",
    ),
    (
        "routes/orders.yaml",
        ROUTE.partition("send:")[0],
        "routes/orders.yaml:1: a route has either `send` or `send_all`",
    ),
    (
        "routes/orders.yaml",
        ROUTE.replace("else: true", "else: true, when: a"),
        "routes/orders.yaml:7: a branch has either `when` or `else`",
    ),
    (
        "routes/orders.yaml",
        ROUTE.replace("to: book,", "as: sales.order.paid, to: book,"),
        "routes/orders.yaml:6: no contract 'sales.order.paid'",
    ),
    ("routes/more.yml", "route: more\n", "routes/more.yml:1: missing key 'accepts': add it"),
    (
        "routes/more.yml",
        "route: more\naccepts: a.b.c\n",
        "routes/more.yml:1: files here end in .yaml: rename it to more.yaml",
    ),
    ("workers/book.yaml", BOOK + "batch: 0\n", "workers/book.yaml:5: less than 1"),
    (
        "workers/book.yaml",
        BOOK.replace("test-out", "tst-out"),
        "workers/book.yaml:2: no adapter is named 'tst-out': did you mean 'test-out'?",
    ),
    (
        "workers/book.yaml",
        BOOK.replace("test-out", "needy"),
        "workers/book.yaml:2: adapter needy needs a package that is not there",
    ),
    (
        "workers/book.yaml",
        BOOK.replace("path", "paht"),
        "workers/book.yaml:4: unknown key 'paht'; did you mean 'path'?",
    ),
    (
        "workers/files.yaml",
        GOOD["workers/files.yaml"].replace("${env:P}", "hunter2"),
        "workers/files.yaml:4: a secret is never written into a file",
    ),
    (
        "workers/book.yaml",
        BOOK + "publishes: sales.order.placed\n",
        "workers/book.yaml:5: test-out is a sink: remove `publishes`",
    ),
    ("workers/book.yaml", BOOK + "id: number\n", "workers/book.yaml:5: test-out is a sink: remov"),
    (
        "workers/files.yaml",
        GOOD["workers/files.yaml"].replace("shelf", "book"),
        "workers/files.yaml:3: worker 'book' consumes 'book' already: name another destination",
    ),
    (
        "workers/book.yaml",
        BOOK + "on_failure: gone\n",
        "workers/book.yaml:5: unknown policy 'gone'",
    ),
    (
        "workers/door.yaml",
        DOOR.replace("publishes: sales.order.placed\n", ""),
        "workers/door.yaml:1: test-in is a source: add `publishes: CONTRACT`",
    ),
    (
        "workers/door.yaml",
        DOOR.replace("order.pl", "ordr.pl"),
        "workers/door.yaml:3: no contract 'sa",
    ),
    (
        "workers/door.yaml",
        DOOR.replace("id: number", "id: ("),
        "workers/door.yaml:4: not a JSONata",
    ),
    (
        "workers/door.yaml",
        DOOR.replace("map: $", "map: x.jsonata"),
        "workers/door.yaml:5: x.jsonata:",
    ),
    (
        "workers/door.yaml",
        DOOR + "consumes: x\n",
        "workers/door.yaml:6: test-in is a source: remove",
    ),
    (
        "workers/orders.yaml",
        "worker: orders\nadapter: test-out\n",
        "workers/orders.yaml:1: a route has the same name: give one of them another",
    ),
    ("clients.yaml", "clients: 3\n", "clients.yaml:1: expected a list"),
]


@pytest.mark.parametrize(("file", "text", "expected"), FAULTS)
def test_a_fault_is_told_with_file_line_and_what_to_do(
    project: Path, file: str, text: str, expected: str
) -> None:
    write(project, file, text)
    assert [each for each in told(project) if each.startswith(expected)], told(project)


def test_a_missing_mesh_file_is_told(project: Path) -> None:
    (project / "mesh.yaml").unlink()
    assert told(project) == ["mesh.yaml:1: cannot be read: no such file or directory"]


def test_faults_in_many_files_are_told_at_once_and_by_place(project: Path) -> None:
    write(project, "mesh.yaml", "mesh: A\n")
    write(project, "routes/orders.yaml", "route: orders\naccepts: 3\nsned: []\n")
    write(project, "workers/book.yaml", "worker: book\nadapter: 1\n")
    write(project, "workers/door.yaml", DOOR.replace("id: number", "id: ("))
    assert [each.partition(": ")[0] for each in told(project)] == [
        "mesh.yaml:1",
        "routes/orders.yaml:2",
        "routes/orders.yaml:3",
        "workers/book.yaml:2",
        "workers/door.yaml:4",
    ]


def test_a_contract_that_cannot_be_used_makes_no_route_wrong(project: Path) -> None:
    write(project, PLACED, '{"type": "text"}')
    assert [each.partition(":")[0] for each in told(project)] == [PLACED]


def test_a_worker_that_cannot_be_read_makes_no_route_wrong(project: Path) -> None:
    write(project, "workers/book.yaml", "worker: [\n")
    assert [each.partition(":")[0] for each in told(project)] == ["workers/book.yaml"]


def test_what_is_never_fed_and_what_goes_nowhere_is_a_warning(project: Path) -> None:
    write(project, "workers/spare.yaml", "worker: spare\nadapter: test-out\n")
    write(project, "contracts/hr/person.hired/1.0.0.schema.json", "{}")
    write(project, "workers/hr.yaml", "worker: hr\nadapter: test-in\npublishes: hr.person.hired\n")
    findings = inspect_project(project)
    assert findings.problems == ()
    assert {f"{each.place}: {each.message}" for each in findings.warnings} == {
        "workers/spare.yaml:1: no route sends to 'spare': it will be idle",
        "workers/hr.yaml:1: no route accepts hr.person.hired: what it publishes goes nowhere",
    }


def test_a_second_look_at_the_same_files_finds_equal_values(project: Path) -> None:
    first, second = inspect_project(project), inspect_project(project)
    assert (first.mesh, first.routes, first.contracts) == (
        second.mesh,
        second.routes,
        second.contracts,
    )


def test_check_prints_each_problem_with_its_place_and_exits_1(project: Path) -> None:
    write(project, "workers/book.yaml", BOOK.replace("path", "paht"))
    result = CliRunner().invoke(app, ["check", str(project)])
    assert result.exit_code == 1
    assert result.stdout == "workers/book.yaml:4: unknown key 'paht'; did you mean 'path'?\n"
    assert result.stderr == "1 problem to correct\n"


def test_check_prints_a_summary_and_exits_0(project: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(project)])
    assert result.exit_code == 0
    for part in ("sales.order.placed 1.0.0", "orders: sales.order.placed@^1", "test-in publishes"):
        assert part in result.stdout


def test_check_prints_json_for_programs(project: Path) -> None:
    good = CliRunner().invoke(app, ["check", str(project), "--json"])
    assert json.loads(good.stdout)["contracts"] == {"sales.order.placed": ["1.0.0"]}
    write(project, "mesh.yaml", "mesh: A\n")
    bad = CliRunner().invoke(app, ["check", str(project), "--json"])
    assert (bad.exit_code, json.loads(bad.stdout)["ok"]) == (1, False)
    assert json.loads(bad.stdout)["problems"][0]["place"] == "mesh.yaml:1"


def test_a_new_project_passes_the_check(tmp_path: Path) -> None:
    made = CliRunner().invoke(app, ["new", "project", "shop", "--in", str(tmp_path)])
    assert made.exit_code == 0
    findings = inspect_project(tmp_path / "shop")
    assert (findings.problems, findings.warnings) == ((), ())
    assert findings.mesh is not None
    assert findings.mesh.mesh == "shop"
    assert (tmp_path / "shop" / "out").is_dir()  # file-out waits for a folder that is missing
    assert ".crossdock/" in (tmp_path / "shop" / ".gitignore").read_text().splitlines()


def test_a_new_project_overwrites_nothing(tmp_path: Path) -> None:
    write(tmp_path, "shop/mine.txt", "mine")
    for name in ("shop", "../x", "Shop"):
        made = CliRunner().invoke(app, ["new", "project", name, "--in", str(tmp_path)])
        assert made.exit_code == 2
    assert [each.name for each in tmp_path.iterdir()] == ["shop"]


def test_the_version_is_shown() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.stdout.startswith("crossdock 0.")
