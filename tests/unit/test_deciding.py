"""What a route makes of one message, case by case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from crossdock.contracts import Contract, Message, Registry, child_id
from crossdock.mesh.expression import Json
from crossdock.router.compiled import CompiledRoute, compile_route
from crossdock.router.conditions import Condition
from crossdock.router.deciding import Decision, decide
from crossdock.router.route_file import RouteFile

ORDER = Contract(
    "sales.order.placed",
    "1.0.0",
    {
        "type": "object",
        "required": ["total"],
        "properties": {"total": {"type": "number"}, "country": {"type": "string"}},
    },
)
INVOICE = Contract(
    "billing.invoice.requested",
    "1.2.0",
    {"type": "object", "required": ["amount"], "properties": {"amount": {"type": "integer"}}},
)
OTHER = Contract("sales.order.placed", "2.0.0", {})
REGISTRY = Registry([ORDER, INVOICE, OTHER])
CARD = "4929-secret-0001"
MAPPED = {"to": "billing", "as": "billing.invoice.requested@1", "map": '{"amount": total}'}


def route(*branches: dict[str, Any], everyone: bool = False, **fields: Json) -> CompiledRoute:
    key = "send_all" if everyone else "send"
    given = {"route": "orders", "accepts": "sales.order.placed@1", key: branches, **fields}
    return compile_route(msgspec.convert(given, RouteFile), REGISTRY, Path(), mesh="ops")


def message(data: Json, **attributes: str | dict[str, str]) -> Message:
    raw = data if isinstance(data, bytes) else msgspec.json.encode(data)
    given: dict[str, Any] = {
        "id": "o-1",
        "source": "/shop",
        "type": ORDER.name,
        "dataschema": ORDER.dataschema,
        "data": raw,
    }
    return Message(**{**given, **attributes})


def destinations(decision: Decision) -> list[str]:
    return [each.destination for each in decision.children]


def test_the_first_branch_that_holds_is_taken() -> None:
    made = route(
        {"to": "never", "when": "total > 100"},
        {"to": "first", "when": "total > 10"},
        {"to": "second", "when": "$error('not needed')"},
        {"to": "rest", "else": True},
    )
    decision = decide(made, message({"total": 50}))
    assert destinations(decision) == ["first"]
    assert decision.conditions == (Condition("send/0", held=False), Condition("send/1", held=True))


def test_else_is_taken_when_no_branch_holds() -> None:
    made = route({"to": "big", "when": "total > 100"}, {"to": "rest", "else": True})
    decision = decide(made, message({"total": 1}))
    assert destinations(decision) == ["rest"]
    assert decision.branches == ("send/1",)
    assert destinations(decide(made, message({"total": 101}))) == ["big"]


def test_a_recipient_list_takes_every_branch_that_holds() -> None:
    made = route(
        {"to": ["a", "b"], "when": "total > 1"},
        {"to": "c", "when": "total > 100"},
        {"to": "d"},
        {"to": "rest", "else": True},
        everyone=True,
    )
    decision = decide(made, message({"total": 50}))
    assert decision.outcome == "routed"
    assert destinations(decision) == ["a", "b", "d"]


def test_children_of_two_branches_to_one_destination_are_two_messages() -> None:
    made = route({"to": "a"}, {"to": "a"}, everyone=True)
    first, second = decide(made, message({"total": 1})).children
    assert first.destination == second.destination == "a"
    assert first.message.id != second.message.id


def test_what_where_does_not_hold_for_is_filtered_and_nothing_else_is_evaluated() -> None:
    made = route({"to": "a", "when": "$error('not needed')"}, where="total > 0")
    decision = decide(made, message({"total": 0}))
    assert (decision.outcome, decision.children) == ("filtered", ())
    assert decision.reason == "where does not hold"
    assert decision.conditions == (Condition("where", held=False),)


def test_what_no_branch_holds_for_is_filtered() -> None:
    decision = decide(route({"to": "a", "when": "total > 9"}, where="true"), message({"total": 1}))
    assert (decision.outcome, decision.reason) == ("filtered", "no branch holds")


def test_i5_data_that_breaks_its_contract_is_rejected_with_every_problem() -> None:
    decision = decide(route({"to": "a"}), message({"country": 7}))
    assert decision.outcome == "rejected"
    assert {each.keyword for each in decision.problems} == {"required", "type"}


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000, b"1e999", b"NaN"])
def test_i5_what_is_not_json_is_rejected(data: bytes) -> None:
    assert decide(route({"to": "a"}), message(data)).outcome == "rejected"


@pytest.mark.parametrize(
    "attributes",
    [
        {"dataschema": "crossdock:sales.order.placed/9.0.0"},
        {"dataschema": ""},
        {"type": "nobody.knows.this"},
        {"type": INVOICE.name},
        {"dataschema": INVOICE.dataschema},
    ],
)
def test_i5_an_unknown_or_contradictory_contract_is_rejected(attributes: dict[str, str]) -> None:
    assert decide(route({"to": "a"}), message({"total": 1}, **attributes)).outcome == "rejected"


def test_a_known_version_that_the_route_does_not_accept_is_filtered() -> None:
    decision = decide(route({"to": "a"}), message({}, dataschema=OTHER.dataschema))
    assert decision.outcome == "filtered"
    assert "not accepted" in decision.reason


def test_a_result_that_breaks_its_contract_is_rejected_with_the_problem() -> None:
    decision = decide(route(MAPPED), message({"total": 1.5}))
    assert decision.outcome == "rejected"
    assert decision.reason.startswith("send/0: its result breaks crossdock:billing.invoice.")
    assert [each.pointer for each in decision.problems] == ["/amount"]


def test_one_child_that_cannot_be_made_means_that_none_is() -> None:
    decision = decide(route({"to": "a"}, MAPPED, everyone=True), message({"total": 1.5}))
    assert (decision.outcome, decision.children) == ("rejected", ())


@pytest.mark.parametrize("text", ["$error(country)", "country + 1", "nothing", "$number(country)"])
def test_i6_a_mapping_that_fails_is_rejected_without_a_value(text: str) -> None:
    made = route({"to": "a", "map": text})
    decision = decide(made, message({"total": 1, "country": CARD}))
    assert decision.outcome == "rejected"
    assert "route orders, send/0/map" in decision.reason
    assert CARD not in f"{decision!r}"


def test_a_condition_that_fails_is_rejected_and_tells_what_was_evaluated_before() -> None:
    made = route({"to": "a", "when": "country > 3"}, where="total > 0")
    decision = decide(made, message({"total": 1, "country": "x"}))
    assert decision.outcome == "rejected"
    assert decision.conditions == (Condition("where", held=True),)


def test_i5_a_number_that_a_mapping_would_change_is_rejected() -> None:
    raw = b'{"total": 9007199254740993}'
    decision = decide(route({"to": "a", "map": "$"}), message(raw))
    assert decision.outcome == "rejected"
    assert [each.pointer for each in decision.problems] == ["/total"]
    (child,) = decide(route({"to": "a"}), message(raw)).children
    assert child.message.data == raw


def test_a_child_keeps_the_conversation_and_names_its_cause() -> None:
    parent = message(
        {"total": 3},
        time="2026-01-01T00:00:00Z",
        subject="order/1",
        extensions={"traceparent": "00-a-b-01", "partitionkey": "7", "causationid": "older"},
    )
    (child,) = decide(route(MAPPED), parent).children
    assert child.destination == "billing"
    assert child.message == Message(
        id=child_id(parent.source, parent.id, "orders", "billing"),
        source="/ops/router/orders",
        type="billing.invoice.requested",
        dataschema="crossdock:billing.invoice.requested/1.2.0",
        data=b'{"amount":3}',
        time="2026-01-01T00:00:00Z",
        subject="order/1",
        extensions={
            "traceparent": "00-a-b-01",
            "partitionkey": "7",
            "correlationid": "o-1",
            "causationid": "o-1",
        },
    )


def test_a_child_of_a_later_message_keeps_the_first_correlation() -> None:
    parent = message({"total": 3}, extensions={"correlationid": "first"})
    (child,) = decide(route({"to": "a"}), parent).children
    assert child.message.extensions == {"correlationid": "first", "causationid": "o-1"}


def test_data_without_a_mapping_goes_on_byte_for_byte() -> None:
    raw = b'{ "total" : 1.50,\n "country":"\\u0041" }'
    parent = message(raw, datacontenttype="application/json; charset=utf-8")
    (child,) = decide(route({"to": "a"}), parent).children
    assert child.message.data is raw
    assert child.message.datacontenttype == "application/json; charset=utf-8"
    assert (child.message.type, child.message.dataschema) == (ORDER.name, ORDER.dataschema)


def test_data_without_a_mapping_must_keep_the_contract_that_it_is_sent_as() -> None:
    made = route({"to": "a", "as": "billing.invoice.requested@1"})
    assert decide(made, message({"total": 1})).outcome == "rejected"
    raw = b'{"total": 1, "amount": 2}'
    (child,) = decide(made, message(raw)).children
    assert child.message.data is raw
    assert child.message.type == INVOICE.name


def test_adding_a_branch_in_front_changes_no_id_of_another() -> None:
    before = decide(route({"to": "a"}), message({"total": 1})).children
    after = decide(route({"to": "a", "when": "total > 5"}, {"to": "a"}), message({"total": 1}))
    assert after.children == before
