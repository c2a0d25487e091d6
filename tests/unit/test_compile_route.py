"""Every problem of a route is told at once, with its place in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from crossdock.contracts import Contract, Halt, Registry
from crossdock.mesh.expression import Json
from crossdock.router.compiled import CompiledRoute, compile_route
from crossdock.router.route_file import RouteFile

REGISTRY = Registry(
    [
        Contract("sales.order.placed", "1.0.0", {}),
        Contract("sales.order.placed", "2.0.0", {}),
        Contract("sales.order.placed", "2.1.0", {}),
        Contract("billing.invoice.requested", "1.0.0", {}),
    ]
)


def compiled(folder: Path = Path(), **fields: Json) -> CompiledRoute:
    given = {"route": "orders", "accepts": "sales.order.placed@^2", "send": [{"to": "a"}]}
    return compile_route(
        msgspec.convert({**given, **fields}, RouteFile), REGISTRY, folder, mesh="ops"
    )


def pointers(folder: Path = Path(), **fields: Json) -> list[str]:
    with pytest.raises(Halt) as caught:
        compiled(folder, **fields)
    return [each.pointer for each in caught.value.problems]


def test_a_route_accepts_every_version_in_its_range() -> None:
    assert sorted(compiled().accepted) == [
        "crossdock:sales.order.placed/2.0.0",
        "crossdock:sales.order.placed/2.1.0",
    ]


def test_a_route_names_itself_as_the_source_of_what_it_makes() -> None:
    assert compiled().source == "/ops/router/orders"


def test_a_route_knows_all_of_its_destinations() -> None:
    route = compiled(send=[{"to": ["b", "a"], "when": "x"}, {"to": "a", "else": True}])
    assert route.destinations == ("b", "a")


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"route": "Not A Name"}, ["/route"]),
        ({"accepts": "nobody.knows.this"}, ["/accepts"]),
        ({"accepts": ["sales.order.placed@^9", "no"]}, ["/accepts/0", "/accepts/1"]),
        ({"accepts": []}, ["/accepts"]),
        ({"where": "total >"}, ["/where"]),
        ({"where": "[1..n]"}, ["/where"]),
        ({"send": []}, [""]),
        ({"send_all": [{"to": "b"}]}, [""]),
        ({"send": [{"to": "a", "when": "("}]}, ["/send/0/when"]),
        ({"send": [{"to": "a", "as": "billing.invoice.requested@3"}]}, ["/send/0/as"]),
        ({"send": [{"to": "a", "map": "{"}]}, ["/send/0/map"]),
        ({"send": [{"to": "in.>"}]}, ["/send/0/to"]),
        ({"send": [{"to": []}]}, ["/send/0/to"]),
        ({"send": [{"to": ["a", "a"]}]}, ["/send/0/to"]),
        ({"send": [{"to": "a", "else": True}, {"to": "b"}]}, ["/send/0/else"]),
        ({"send": [{"to": "a", "else": True, "when": "x"}]}, ["/send/0/else"]),
        ({"send": [], "send_all": [{"to": "a", "when": "("}]}, ["/send_all/0/when"]),
    ],
)
def test_a_problem_is_told_with_its_place(fields: dict[str, Any], found: list[str]) -> None:
    assert pointers(**fields) == found


def test_all_problems_are_told_at_once() -> None:
    found = pointers(
        route="No!",
        accepts="x",
        where="(",
        send=[{"to": "!", "when": ")", "as": "y", "map": "missing.jsonata"}],
    )
    assert found == [
        "/route",
        "/accepts",
        "/where",
        "/send/0/as",
        "/send/0/when",
        "/send/0/to",
        "/send/0/map",
    ]


def test_a_contract_whose_schema_is_wrong_is_told_where_it_is_used() -> None:
    registry = Registry([Contract("a.b.c", "1.0.0", {"type": "nonsense"})])
    route = RouteFile(route="r", accepts="a.b.c", send=())
    with pytest.raises(Halt) as caught:
        compile_route(route, registry, Path(), mesh="m")
    assert caught.value.problems[0].pointer == "/accepts"


def test_a_mapping_is_read_from_a_file_beside_the_route(tmp_path: Path) -> None:
    (tmp_path / "bill.jsonata").write_text('{"n": 1}')
    route = compiled(tmp_path, send=[{"to": "a", "map": "bill.jsonata"}])
    mapping = route.branches[0].mapping
    assert mapping is not None
    assert mapping.evaluate({}) == {"n": 1}


def test_an_edited_mapping_file_makes_another_route(tmp_path: Path) -> None:
    (tmp_path / "bill.jsonata").write_text('{"n": 1}')
    fields = {"where": "x", "send": [{"to": "a", "when": "y", "map": "bill.jsonata"}]}
    before = compiled(tmp_path, **fields)
    (tmp_path / "bill.jsonata").write_text('{"n": 2}')
    assert before.texts == ("x", "y", '{"n": 1}')
    assert compiled(tmp_path, **fields).texts == ("x", "y", '{"n": 2}')


def test_a_problem_in_a_mapping_file_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "bill.jsonata").write_text("{\n  'n': }")
    with pytest.raises(Halt, match=r"bill\.jsonata: .*line 2"):
        compiled(tmp_path, send=[{"to": "a", "map": "bill.jsonata"}])


def test_a_mapping_outside_the_folder_of_the_route_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.jsonata").write_text("1")
    folder = tmp_path / "routes"
    folder.mkdir()
    (folder / "link.jsonata").symlink_to(tmp_path / "secret.jsonata")
    absolute = str(tmp_path / "secret.jsonata")
    for name in ("../secret.jsonata", "link.jsonata", absolute):
        with pytest.raises(Halt, match="outside"):
            compiled(folder, send=[{"to": "a", "map": name}])


def test_a_mapping_file_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "large.jsonata").write_text(" " * 70_000)
    (tmp_path / "binary.jsonata").write_bytes(b"\xff\xfe")
    (tmp_path / "folder.jsonata").mkdir()
    for name in ("large", "binary", "folder", "missing", "a\0b"):
        found = pointers(tmp_path, send=[{"to": "a", "map": f"{name}.jsonata"}])
        assert found == ["/send/0/map"]
