"""`aggregate` in a route file: what it refuses, and what its examples show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from crossdock.contracts import Contract, Halt, Message, Registry
from crossdock.mesh.expression import Json
from crossdock.mesh.project.scalars import Duration
from crossdock.router.compiled import CompiledRoute, compile_route
from crossdock.router.deciding import Decision, decide
from crossdock.router.rehearsing import NOT_COMPLETE, rehearse
from crossdock.router.route_file import RouteFile
from stepped_route import ORDER, message, sent

WHOLE = Contract("sales.order.whole", "1.0.0", {"type": "object"})
LIST = Contract("sales.order.list", "1.0.0", {"type": "array"})
REGISTRY = Registry([ORDER, WHOLE, LIST])
SIZE_TWO: dict[str, Any] = {
    "by": "key",
    "complete": {"size": 2},
    "map": "{'parts': [parts.n], 'why': reason}",
    "as": "sales.order.whole",
}


def aggregating(*, steps: tuple[dict[str, Any], ...] = (), **changes: Json) -> CompiledRoute:
    aggregate = {k: v for k, v in (SIZE_TWO | changes).items() if v is not None}
    given = {
        "route": "orders",
        "accepts": "sales.order.placed",
        "steps": steps,
        "aggregate": aggregate,
        "send": [{"to": "book"}],
    }
    return compile_route(msgspec.convert(given, RouteFile), REGISTRY, Path(), mesh="ops")


def rehearsed(route: CompiledRoute, *given: Message, time_is_up: bool = False) -> Decision:
    return rehearse(route, given, lambda each: decide(route, each), time_is_up=time_is_up)


def part(key: Json, number: int, **more: Json) -> Message:
    return message({"key": key, "n": number} | more, id=f"m{number}")


@pytest.mark.parametrize(
    ("changes", "pointer", "text"),
    [
        ({"complete": {}}, "/aggregate/complete", "never complete"),
        ({"complete": {"size": 0}}, "/aggregate/complete/size", "from 1 to 10000"),
        ({"complete": {"size": "a +"}}, "/aggregate/complete/size", "not a JSONata expression"),
        (
            {"complete": {"timeout": Duration(0.01)}},
            "/aggregate/complete/timeout",
            "at least 0.1 s",
        ),
        ({"complete": {"when": "("}}, "/aggregate/complete/when", "not a JSONata expression"),
        ({"by": "("}, "/aggregate/by", "not a JSONata expression"),
        ({"order": "("}, "/aggregate/order", "not a JSONata expression"),
        ({"map": "("}, "/aggregate/map", "not a JSONata expression"),
        ({"as": "sales.order.gone"}, "/aggregate/as", "sales.order.gone"),
        ({"remember": Duration(0.5)}, "/aggregate/remember", "at least 1 s"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(
    changes: dict[str, Json], pointer: str, text: str
) -> None:
    with pytest.raises(Halt) as refused:
        aggregating(**changes)
    (problem,) = refused.value.problems
    assert problem.pointer == pointer
    assert text in problem.message


def test_messages_of_one_key_become_one_message() -> None:
    route = aggregating()
    decision = rehearsed(route, part("a", 1), part("b", 2), part("a", 3))
    assert sent(decision) == [{"parts": [1, 3], "why": "size"}]
    (child,) = decision.children
    assert child.message.type == "sales.order.whole"
    assert child.message.extensions["correlationid"] == "m1"


def test_without_a_mapping_the_data_is_the_list_of_the_parts() -> None:
    route = aggregating(map=None, **{"as": "sales.order.list"})
    decision = rehearsed(route, part("a", 1), part("a", 2))
    assert sent(decision) == [[{"key": "a", "n": 1}, {"key": "a", "n": 2}]]


def test_a_group_whose_time_is_up_is_sent_as_it_is_or_rejected() -> None:
    complete = {"size": 2, "timeout": Duration(60)}
    route = aggregating(complete=complete)
    assert rehearsed(route, part("a", 1)).reason == NOT_COMPLETE
    decision = rehearsed(route, part("a", 1), time_is_up=True)
    assert sent(decision) == [{"parts": [1], "why": "timeout"}]
    strict = aggregating(complete=complete | {"partial": "dead"})
    decision = rehearsed(strict, part("a", 1), time_is_up=True)
    assert decision.outcome == "rejected"
    assert "1 of 2 members" in decision.reason


def test_the_parts_of_a_split_message_are_members_of_their_own() -> None:
    route = aggregating(
        steps=({"split": "items"}, {"where": "n != 3"}),
        complete={"size": "$message.extensions.awaited ? 3"},
    )
    items = [{"key": "a", "n": number} for number in (1, 2, 3, 4)]
    given = message({"items": items}, extensions={"awaited": "yes"})
    decision = rehearsed(route, given)
    assert sent(decision) == [{"parts": [1, 2, 4], "why": "size"}]
    assert len({each.member.mark for each in decide(route, given).arrivals}) == 3


@pytest.mark.parametrize(
    ("changes", "data", "text"),
    [
        ({}, {"key": None}, "by gives nothing"),
        ({}, {"key": ["a"]}, "by gives a list or an object"),
        ({}, {"key": "x" * 2000}, "a key of 2000 characters"),
        ({"order": "n"}, {"key": "a", "n": True}, "neither a number nor a text"),
        ({"complete": {"size": "n"}}, {"key": "a", "n": 1.5}, "no whole number"),
        ({"complete": {"size": "n"}}, {"key": "a", "n": 0}, "not from 1 to 10000"),
    ],
)
def test_a_member_that_cannot_be_is_rejected(
    changes: dict[str, Json], data: Json, text: str
) -> None:
    decision = decide(aggregating(**changes), message(data))
    assert decision.outcome == "rejected"
    assert text in decision.reason


def test_what_says_that_it_is_a_group_and_is_not_is_rejected() -> None:
    given = message({}, type="crossdock.group.completed", dataschema="")
    decision = decide(aggregating(), given)
    assert decision.outcome == "rejected"
    assert decision.reason.startswith("not a group")


RESEQUENCE: dict[str, Json] = {"by": "key", "number": "n", "gap": Duration(10)}


def resequencing(**changes: Json) -> CompiledRoute:
    given = {
        "route": "orders",
        "accepts": "sales.order.placed",
        "resequence": RESEQUENCE | changes,
        "where": "n != 2",
        "send": [{"to": "book"}],
    }
    return compile_route(msgspec.convert(given, RouteFile), REGISTRY, Path(), mesh="ops")


def test_a_route_that_resequences_decides_each_message_when_its_turn_comes() -> None:
    decision = rehearsed(resequencing(), part("a", 3), part("a", 2), part("b", 1), part("a", 1))
    assert [(each["key"], each["n"]) for each in sent(decision)] == [("a", 1), ("a", 3), ("b", 1)]
    waits = rehearsed(resequencing(), part("a", 3))
    assert waits.outcome == "filtered"
    assert sent(rehearsed(resequencing(), part("a", 3), time_is_up=True)) == [{"key": "a", "n": 3}]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"by": "("}, "/resequence/by"),
        ({"number": "("}, "/resequence/number"),
        ({"gap": Duration(0.01)}, "/resequence/gap"),
        ({"remember": Duration(0.5)}, "/resequence/remember"),
    ],
)
def test_a_resequencer_that_cannot_be_is_refused_with_its_place(
    changes: dict[str, Json], pointer: str
) -> None:
    with pytest.raises(Halt) as refused:
        resequencing(**changes)
    assert [each.pointer for each in refused.value.problems] == [pointer]


def test_a_route_has_not_both_an_aggregator_and_a_resequencer() -> None:
    given = {
        "route": "orders",
        "accepts": "sales.order.placed",
        "resequence": RESEQUENCE,
        "aggregate": SIZE_TWO,
        "send": [{"to": "book"}],
    }
    with pytest.raises(Halt, match="write two routes"):
        compile_route(msgspec.convert(given, RouteFile), REGISTRY, Path(), mesh="ops")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"key": "a", "n": 1.5}, "gives no whole number"),
        ({"key": "a"}, "gives no whole number"),
        ({"key": "a", "n": 2**60}, "beyond 2^53"),
        ({"n": 1}, "resequence/by gives nothing"),
    ],
)
def test_a_message_without_key_or_number_is_rejected(data: Json, text: str) -> None:
    decision = decide(resequencing(), message(data))
    assert decision.outcome == "rejected"
    assert text in decision.reason
