"""What the type check tells of a route is true of every message, whatever route it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossdock.contracts import Contract, Message, Registry
from crossdock.mesh.expression import truth
from crossdock.router.checking.comparing import contains
from crossdock.router.checking.inference import infer
from crossdock.router.checking.route import check_route
from crossdock.router.checking.schema_types import type_of_schema
from crossdock.router.checking.told import Told
from crossdock.router.checking.trees import tree_of
from crossdock.router.checking.world import World
from crossdock.router.compiled import CompiledRoute, compile_route
from crossdock.router.deciding import Decision, decide
from crossdock.router.route_file import RouteFile

SCHEMAS: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[1] / "data/route_contracts.yaml").read_text()
)
CONTRACT = Contract("sales.order.placed", "1.0.0", SCHEMAS["sales.order.placed"])
REGISTRY = Registry([CONTRACT])
STATUSES = ["new", "paid", "sent", "cancelled"]
NUMBERS = st.sampled_from([0, 1, 2, 2.5, 3, 5, 5.5, 10, 100])

lines = st.fixed_dictionaries(
    {"sku": st.sampled_from(["tea", "cup"]), "qty": st.integers(1, 4), "price": NUMBERS},
    optional={"gift": st.booleans()},
)
documents = st.fixed_dictionaries(
    {
        "order": st.sampled_from(["A", "B-1"]),
        "status": st.sampled_from(STATUSES),
        "country": st.sampled_from(["DE", "FR", "CH"]),
        "total": NUMBERS,
        "priority": st.integers(1, 5),
        "express": st.booleans(),
        "customer": st.fixed_dictionaries(
            {"name": st.just("Ada")}, optional={"email": st.just("a@b.example")}
        ),
        "lines": st.lists(lines, max_size=2),
        "tags": st.lists(st.sampled_from(["a", "b"]), max_size=2),
    },
    optional={"discount": st.none() | NUMBERS, "note": st.none() | st.just("x")},
)


def joined(form: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(lambda each: form.format(*each))


number = NUMBERS.map(str)
status = st.sampled_from([f'"{each}"' for each in [*STATUSES, "lost"]])
numeric = st.sampled_from(
    [
        "total",
        "priority",
        "discount",
        "$count(lines)",
        "$sum(lines.qty)",
        "lines[0].qty",
        "total * 2",
    ]
)
sign = st.sampled_from(["<", "<=", ">", ">=", "=", "!="])
plain = st.one_of(
    joined("{} {} {}", numeric, sign, number),
    joined("{} {} {}", number, sign, numeric),
    joined("status {} {}", st.sampled_from(["=", "!="]), status),
    joined("status in [{}, {}]", status, status),
    joined("country = {}", st.sampled_from(['"DE"', '"FR"', '"Germany"'])),
    joined("{} in lines.sku", st.sampled_from(['"tea"', '"milk"'])),
    joined("({} ?: {}) {} {}", st.sampled_from(["discount", "note"]), number, sign, number),
    st.sampled_from(
        ["express", "$not(express)", "customer.email", "$exists(note)", "note != null", "discount"]
    ),
)
conditions = st.recursive(
    plain,
    lambda inner: st.one_of(
        joined("({} and {})", inner, inner),
        joined("({} or {})", inner, inner),
        joined("$not({})", inner),
        joined("({} ? {} : {})", inner, inner, inner),
    ),
    max_leaves=4,
)
branches = st.fixed_dictionaries({"to": st.just("a"), "when": conditions})
routes = st.fixed_dictionaries(
    {
        "route": st.just("r"),
        "accepts": st.just("sales.order.placed"),
        "send": st.lists(
            st.fixed_dictionaries({"to": st.just("a"), "when": conditions}), min_size=1, max_size=3
        ),
    },
    optional={"where": conditions},
)
several = st.lists(documents, min_size=5, max_size=5)
CALM = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def decided(route: CompiledRoute, document: Any) -> Decision:  # noqa: ANN401 - JSON
    data = msgspec.json.encode(document)
    message = Message(
        id="1", source="/t", type=CONTRACT.name, dataschema=CONTRACT.dataschema, data=data
    )
    return decide(route, message)


def is_a_lie(told: Told, decision: Decision, document: dict[str, Any]) -> bool:
    """Tell whether what a message did is not what was told of every message."""
    name = told.pointer.removeprefix("/").removesuffix("/when")
    held = {each.held for each in decision.conditions if each.branch == name}
    code = told.finding.code
    if code == "never-true":
        return True in held
    if code == "always-true":
        return False in held
    if code == "unreachable-branch":
        return name in decision.branches
    if code == "uncovered-enum":
        named = any(
            document["status"] in part for part in told.finding.message.split(":")[0].split()
        )
        return bool(decision.branches) and named and "status" in told.finding.message
    return False


@CALM
@given(conditions, several)
def test_a_condition_gives_what_was_inferred(text: str, found: list[dict[str, Any]]) -> None:
    tree = tree_of(text)
    assert tree is not None
    data = type_of_schema(CONTRACT.schema)
    inferred = infer(tree, World(data=data, variables={}, accepted=data, contract=data)).type
    route = compiled({"where": text, "send": [{"to": "a"}]})
    assert route.where is not None
    for document in found:
        assert CONTRACT.problems(document) == []
        assert contains(data, document)
        decision = decided(route, document)
        if decision.outcome != "rejected":
            result = route.where.expression.evaluate(document)
            assert contains(inferred, result) or (inferred.may_miss and not truth(result))


@CALM
@given(routes, several)
def test_nothing_that_is_told_of_a_route_is_untrue(
    written: dict[str, Any], found: list[dict[str, Any]]
) -> None:
    route = compiled(written)
    told = check_route(route, lambda _: ())
    for document in found:
        decision = decided(route, document)
        assert [each for each in told if is_a_lie(each, decision, document)] == []


def compiled(written: dict[str, Any]) -> CompiledRoute:
    file = msgspec.convert({"route": "r", "accepts": "sales.order.placed", **written}, RouteFile)
    return compile_route(file, REGISTRY, Path(), mesh="m")
