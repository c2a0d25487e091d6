"""What an order key may be, where it is taken from, and what is refused (I7)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from crossdock.contracts import Halt, Message, Reject
from crossdock.mesh.bus import Incoming
from crossdock.mesh.expression import Expression, Json
from crossdock.mesh.ordering import KEY, OrderKey
from crossdock.mesh.ordering.keys import key_text
from crossdock.router.deciding import decide
from crossdock.router.ordering import route_key
from stepped_route import message, stepped

LINES = {"customer": "c1", "lines": [{"sku": "tea"}, {"sku": "cup"}]}


def incoming(given: Message) -> Incoming:
    reply = "$JS.ACK.s.c.1.1.1.1700000000000000000.0"
    headers = given.headers()
    return Incoming(cast("object", SimpleNamespace(reply=reply, headers=headers, data=given.data)))  # type: ignore[arg-type] # what is read of nats-py's message


@pytest.mark.parametrize(
    ("value", "key"), [("c1", "c1"), (7, "7"), (7.5, "7.5"), (2.0, "2"), ("ä b", "ä b")]
)
def test_a_text_or_a_number_is_a_key(value: Json, key: str) -> None:
    assert key_text(value) == key


@pytest.mark.parametrize("value", [None, "", True, [], {}, ["c1"], "x" * 1001])
def test_nothing_else_is(value: Json) -> None:
    with pytest.raises(Reject, match="order gives"):
        key_text(value)


def test_i6_a_refused_key_is_not_told() -> None:
    with pytest.raises(Reject) as refused:
        key_text(["secret"])
    assert "secret" not in str(refused.value)


def test_a_route_gives_its_key_to_what_it_sends() -> None:
    route = stepped({"split": "lines"}, order="customer")
    children = decide(route, message(LINES, extensions={KEY: "other"})).children
    assert [each.message.extensions[KEY] for each in children] == ["c1", "c1"]
    assert [
        each.message.extensions[KEY] for each in decide(stepped(order="1+1"), message({})).children
    ] == ["2"]


def test_the_key_may_be_made_of_the_attributes() -> None:
    route = stepped(order="$message.subject & '/' & customer")
    (child,) = decide(route, message(LINES, subject="eu")).children
    assert child.message.extensions[KEY] == "eu/c1"


def test_the_word_stands_for_the_attribute_which_is_passed_on() -> None:
    route = stepped(order="partitionkey")
    (child,) = decide(route, message({}, extensions={KEY: "k"})).children
    assert child.message.extensions[KEY] == "k"
    assert KEY not in decide(route, message({})).children[0].message.extensions


def test_a_message_without_the_key_is_rejected() -> None:
    decision = decide(stepped(order="customer"), message({}))
    assert (decision.outcome, decision.reason) == (
        "rejected",
        "order gives nothing: a key is a text or a number",
    )


def test_a_route_without_an_order_adds_nothing() -> None:
    assert KEY not in decide(stepped(), message(LINES)).children[0].message.extensions
    assert route_key(stepped()) is None


def test_the_key_of_a_message_that_comes_in_is_that_which_goes_on() -> None:
    key = route_key(stepped(order="customer"))
    assert key is not None
    assert key(incoming(message(LINES))) == "c1"
    with pytest.raises(Reject, match="order gives nothing"):
        key(incoming(message({})))


def test_what_the_route_does_not_accept_or_cannot_read_keeps_no_order() -> None:
    key = route_key(stepped(order="customer"))
    assert key is not None
    assert key(incoming(message({}, dataschema="crossdock:sales.order.placed/9.0.0"))) is None
    assert key(incoming(message(b"{"))) is None


def test_a_message_without_the_attribute_keeps_no_order() -> None:
    order = OrderKey()
    assert order.of_incoming(incoming(message({}))) is None
    assert order.of_incoming(incoming(message({}, extensions={KEY: "ä b"}))) == "ä b"


def test_a_sink_may_order_by_the_data() -> None:
    order = OrderKey(Expression("customer & $message.type"))
    assert order.of_incoming(incoming(message(LINES))) == "c1sales.order.placed"


@pytest.mark.parametrize("key", ["aggregate", "resequence"])
def test_a_route_that_orders_anew_has_no_order_key(key: str) -> None:
    how = {
        "aggregate": {"by": "a", "complete": {"size": 2}, "as": "sales.order.placed"},
        "resequence": {"by": "a", "number": "n", "gap": "5s"},
    }[key]
    with pytest.raises(Halt) as halt:
        stepped(order="customer", **{key: how})
    (problem,) = halt.value.problems
    assert problem.pointer == "/order"
    assert key in problem.message
