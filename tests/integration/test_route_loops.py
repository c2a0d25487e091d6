"""Routes that feed each other for ever are refused; where a condition may end it, warned of."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossdock.cli.project_check import inspect_project

DOOR = "worker: door\nadapter: {adapter}\npublishes: {contract}\nsettings: {settings}\n"
SINK = "worker: {name}\nadapter: {adapter}\nsettings: {settings}\n"
ROUTE = "route: {name}\naccepts: {accepts}\nsend: [{{to: {to}}}]\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for event in ("placed", "changed"):
        folder = tmp_path / f"contracts/sales/order.{event}"
        folder.mkdir(parents=True)
        (folder / "1.0.0.schema.json").write_text("{}")
    (tmp_path / "mesh.yaml").write_text("mesh: shop\ngateway: {listen: '127.0.0.1:8080'}\n")
    for kind in ("routes", "workers", "apis"):
        (tmp_path / kind).mkdir()
    return tmp_path


def add_route(folder: Path, name: str, accepts: str, to: str, more: str = "") -> None:
    text = ROUTE.format(name=name, accepts=accepts, to=to)
    (folder / f"routes/{name}.yaml").write_text(text + more)


def add_sink(folder: Path, name: str, adapter: str, settings: str) -> None:
    text = SINK.format(name=name, adapter=adapter, settings=settings)
    (folder / f"workers/{name}.yaml").write_text(text)


def add_door(folder: Path, adapter: str, settings: str, contract: str) -> None:
    text = DOOR.format(adapter=adapter, settings=settings, contract=contract)
    (folder / "workers/door.yaml").write_text(text)


def told(folder: Path) -> tuple[list[str], list[str]]:
    found = inspect_project(folder)
    assert [each.message for each in found.problems if each.keyword != "route-loop"] == []
    problems = [f"{each.place} {each.message}" for each in found.problems]
    return problems, [e.place for e in found.warnings if e.keyword == "route-loop"]


PAIRS = [
    ("file-out", "{path: in/a.jsonl, format: jsonl}", "file-in", "{folder: ./in, format: jsonl}"),
    ("file-out", "{path: in, format: json}", "file-in", "{folder: in, format: json}"),
    (
        "mqtt-out",
        "{host: localhost, topic: orders/7/new}",
        "mqtt-in",
        "{host: 127.0.0.1, port: 1883, topics: ['orders/+/new']}",
    ),
    (
        "mqtt-out",
        "{host: broker, topic: orders/7}",
        "mqtt-in",
        "{host: broker, topics: ['$share/g/orders/#']}",
    ),
    (
        "sql-out",
        "{url: 'sqlite:///a.db', table: orders}",
        "sql-in",
        "{url: 'sqlite:///a.db', table: orders, key: id}",
    ),
    (
        "sql-out",
        "{url: '${env:DB}', table: orders}",
        "sql-in",
        "{url: '${env:DB}', table: orders, key: id}",
    ),
]
APART = [
    ("file-out", "{path: out/a.jsonl, format: jsonl}", "file-in", "{folder: in, format: jsonl}"),
    ("file-out", "{path: in/a.csv, format: jsonl}", "file-in", "{folder: in, format: jsonl}"),
    (
        "mqtt-out",
        "{host: broker, topic: orders/7/8}",
        "mqtt-in",
        "{host: broker, topics: ['orders/+']}",
    ),
    ("mqtt-out", "{host: one, topic: a}", "mqtt-in", "{host: other, topics: ['#']}"),
    (
        "sql-out",
        "{url: 'sqlite:///a.db', table: orders}",
        "sql-in",
        "{url: 'sqlite:///a.db', table: customers, key: id}",
    ),
]


@pytest.mark.parametrize(("sink", "writes", "source", "reads"), PAIRS)
def test_what_goes_out_and_comes_in_again_goes_round(
    project: Path, sink: str, writes: str, source: str, reads: str
) -> None:
    add_sink(project, "out", sink, writes)
    add_door(project, source, reads, "sales.order.placed")
    add_route(project, "orders", "sales.order.placed", "out")
    expected = (
        "routes/orders.yaml:3 goes round for ever: 'out' comes in again by workers/door.yaml as "
        "sales.order.placed, which this route accepts: send it elsewhere"
    )
    assert told(project) == ([expected], [])


@pytest.mark.parametrize(("sink", "writes", "source", "reads"), APART)
def test_what_comes_in_from_elsewhere_does_not(
    project: Path, sink: str, writes: str, source: str, reads: str
) -> None:
    add_sink(project, "out", sink, writes)
    add_door(project, source, reads, "sales.order.placed")
    add_route(project, "orders", "sales.order.placed", "out")
    assert told(project) == ([], [])


def test_two_routes_that_feed_each_other_are_told_once(project: Path) -> None:
    add_sink(project, "out", "file-out", "{path: in/a.jsonl, format: jsonl}")
    add_door(project, "file-in", "{folder: in, format: jsonl}", "sales.order.changed")
    url = "{url: 'http://localhost:8080/v1/messages/sales.order.placed@1'}"
    add_sink(project, "back", "http-out", url)
    add_route(project, "first", "sales.order.placed", "out")
    add_route(project, "second", "sales.order.changed", "back")
    (problem,), warnings = told(project)
    assert problem.startswith("routes/first.yaml:3 goes round for ever: 'out' comes in again by")
    assert "which second accepts, 'back' comes in again by the gateway" in problem
    assert warnings == []


def test_a_path_of_the_gateway_is_a_door(project: Path) -> None:
    api = "api: shop\npath: /shop/{id}\npublishes: sales.order.placed\n"
    (project / "apis/shop.yaml").write_text(api)
    add_sink(project, "out", "http-out", "{url: 'http://127.0.0.1:8080/shop/7'}")
    add_route(project, "orders", "sales.order.placed", "out")
    (problem,), _ = told(project)
    assert "by apis/shop.yaml as sales.order.placed" in problem


@pytest.mark.parametrize(
    "condition",
    [
        "where: total > 0\n",
        "steps: [{where: total > 0}]\n",
        "steps: [{once: {key: order, within: 1h}}]\n",
        "steps: [{split: lines}]\n",
        "aggregate: {by: order, complete: {size: 2}, as: sales.order.placed@1, map: '{}'}\n",
    ],
)
def test_a_condition_may_end_it(project: Path, condition: str) -> None:
    add_sink(project, "out", "file-out", "{path: in/a.jsonl, format: jsonl}")
    add_door(project, "file-in", "{folder: in, format: jsonl}", "sales.order.placed")
    add_route(project, "orders", "sales.order.placed", "out", condition)
    assert told(project) == ([], ["routes/orders.yaml:3"])


def test_a_destination_that_is_chosen_may_be_another(project: Path) -> None:
    add_sink(project, "out", "file-out", "{path: in/a.jsonl, format: jsonl}")
    add_sink(project, "end", "file-out", "{path: end.jsonl, format: jsonl}")
    add_door(project, "file-in", "{folder: in, format: jsonl}", "sales.order.placed")
    add_route(project, "orders", "sales.order.placed", "{expr: next, among: [out, end]}")
    assert told(project) == ([], ["routes/orders.yaml:3"])


def test_three_routes_that_feed_each_other_are_told_once(project: Path) -> None:
    for name, contract in (("a", "changed"), ("b", "shipped"), ("c", "placed")):
        url = f"{{url: 'http://localhost:8080/v1/messages/sales.order.{contract}'}}"
        add_sink(project, name, "http-out", url)
    schema = project / "contracts/sales/order.shipped/1.0.0.schema.json"
    schema.parent.mkdir()
    schema.write_text("{}")
    add_route(project, "first", "sales.order.placed", "a")
    add_route(project, "second", "sales.order.changed", "[b]")
    add_route(project, "third", "sales.order.shipped", "c")
    (problem,), warnings = told(project)
    assert problem.startswith("routes/first.yaml:3 goes round for ever: 'a' comes in again")
    assert warnings == []


def test_what_comes_in_again_and_is_not_accepted_does_not_go_round(project: Path) -> None:
    add_sink(project, "out", "file-out", "{path: in/a.jsonl, format: jsonl}")
    add_door(project, "file-in", "{folder: in, format: jsonl}", "sales.order.changed")
    add_route(project, "orders", "sales.order.placed", "out")
    assert told(project) == ([], [])
