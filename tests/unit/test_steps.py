"""What the steps of a route make of one message: translator, filters, splitter."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from crossdock.contracts import Halt
from crossdock.mesh.expression import Json
from crossdock.router.conditions import Condition
from crossdock.router.deciding import decide
from crossdock.router.flow import MAX_PARTS, Ran
from stepped_route import ORDER, message, sent, stepped

CARD = "4929-secret-0001"
LINES = {"order": "A1", "lines": [{"sku": "x", "qty": 2}, {"sku": "y", "qty": 3}]}


def test_a_map_makes_the_data_of_the_next_step() -> None:
    made = stepped({"map": "{'n': total + 1}"}, {"map": "{'n': n * 2}"})
    decision = decide(made, message({"total": 2}))
    assert sent(decision) == [{"n": 6}]
    assert decision.steps == (Ran("steps/0", "map", 1, 1), Ran("steps/1", "map", 1, 1))


def test_what_a_map_makes_keeps_the_contract_that_it_names() -> None:
    made = stepped({"map": "{'sku': sku}", "as": "sales.line.ordered"})
    (child,) = decide(made, message({"sku": "x"})).children
    assert child.message.type == "sales.line.ordered"
    refused = decide(made, message({"sku": 7}))
    assert refused.outcome == "rejected"
    assert refused.reason.startswith(
        "steps/0: its result breaks crossdock:sales.line.ordered/1.0.0"
    )
    assert [each.pointer for each in refused.problems] == ["/sku"]


def test_data_that_steps_changed_is_checked_where_it_is_sent() -> None:
    assert decide(stepped({"map": "total"}), message({"total": 2})).outcome == "rejected"


def test_i5_a_step_refuses_a_number_that_it_would_change() -> None:
    big = b'{"total": 9007199254740993}'
    for step in ({"map": "$"}, {"split": "total"}):
        refused = decide(stepped(step), message(big))
        assert [each.pointer for each in refused.problems] == ["/total"]
    (child,) = decide(stepped({"keep": ["total"]}), message(big)).children
    assert child.message.data == b'{"total":9007199254740993}'


@pytest.mark.parametrize(
    ("step", "left"),
    [
        ({"keep": ["order", "customer.country"]}, {"order": 1, "customer": {"country": "DE"}}),
        ({"keep": ["lines.sku"]}, {"lines": [{"sku": "x"}, {}]}),
        ({"keep": ["customer", "customer.country"]}, {"customer": {"name": "A", "country": "DE"}}),
        ({"keep": ["order.number", "nothing"]}, {}),
        ({"keep": ["`odd name`"]}, {"odd name": 1}),
        (
            {"drop": ["customer.name", "lines", "`odd name`"]},
            {"order": 1, "customer": {"country": "DE"}},
        ),
        (
            {"drop": ["lines.sku", "lines.sku.x", "order.x", "customer"]},
            {"order": 1, "odd name": 1, "lines": [{"qty": 1}, {"qty": 2}, 7]},
        ),
    ],
)
def test_a_content_filter_keeps_or_drops_fields(step: dict[str, Any], left: Json) -> None:
    given = {
        "order": 1,
        "customer": {"name": "A", "country": "DE"},
        "lines": [{"sku": "x", "qty": 1}, {"qty": 2}, 7],
        "odd name": 1,
    }
    assert sent(decide(stepped(step), message(given))) == [left]


def test_i6_what_is_not_named_never_stays_also_where_an_object_was_expected() -> None:
    made = stepped({"keep": ["customer.country", "lines.sku"]})
    assert sent(decide(made, message({"customer": CARD, "lines": [CARD]}))) == [{"lines": []}]


def test_a_filter_in_the_middle_ends_what_it_does_not_hold_for() -> None:
    made = stepped({"map": "{'n': total}"}, {"where": "n > 1"}, {"map": "$error('not reached')"})
    decision = decide(made, message({"total": 1}))
    assert (decision.outcome, decision.children) == ("filtered", ())
    assert decision.reason == "steps/1: nothing is left after where"
    assert decision.conditions == (Condition("steps/1", held=False),)
    assert decision.steps == (Ran("steps/0", "map", 1, 1), Ran("steps/1", "where", 1, 0))


def test_each_part_of_a_split_message_is_sent_by_itself() -> None:
    made = stepped(
        {"split": "lines", "steps": [{"map": "{'sku': sku, 'of': $whole.order}"}]},
        send=[{"when": "sku = 'x'", "to": "first"}, {"else": True, "to": "book"}],
    )
    decision = decide(made, message(LINES))
    assert sent(decision, "first") == [{"sku": "x", "of": "A1"}]
    assert sent(decision, "book") == [{"sku": "y", "of": "A1"}]
    assert decision.branches == ("send/0", "send/1")
    assert decision.steps == (
        Ran("steps/0", "split", 1, 2, "2 parts"),
        Ran("steps/0/steps/0", "map", 2, 2),
    )


def test_a_part_knows_its_place_and_so_does_what_is_sent() -> None:
    made = stepped(
        {"split": "lines", "steps": [{"map": "{'at': $part.index & '/' & $part.count}"}]}
    )
    decision = decide(made, message(LINES))
    assert sent(decision) == [{"at": "0/2"}, {"at": "1/2"}]
    extensions = [each.message.extensions for each in decision.children]
    assert [(each["partindex"], each["partcount"]) for each in extensions] == [
        ("0", "2"),
        ("1", "2"),
    ]


def test_i4_parts_have_ids_of_their_own_and_always_the_same() -> None:
    made = stepped({"split": "lines"}, {"split": "[1, 2]", "steps": [{"map": "{'n': $}"}]})
    first = [each.message.id for each in decide(made, message(LINES)).children]
    assert len(set(first)) == len(first) == 4
    assert [each.message.id for each in decide(made, message(LINES)).children] == first


def test_a_part_that_is_filtered_does_not_hold_up_the_others() -> None:
    made = stepped({"split": "lines", "steps": [{"where": "qty > 2"}]})
    decision = decide(made, message(LINES))
    assert sent(decision) == [{"sku": "y", "qty": 3}]
    assert set(decision.conditions) == {
        Condition("steps/0/steps/0", held=False),
        Condition("steps/0/steps/0", held=True),
    }


def test_one_part_that_cannot_go_on_means_that_none_does() -> None:
    made = stepped({"split": "lines", "as": "sales.line.ordered"})
    refused = decide(made, message({"lines": [{"sku": "x"}, {"sku": 7}]}))
    assert (refused.outcome, refused.children) == ("rejected", ())


@pytest.mark.parametrize("lines", [[], None, "missing"])
def test_a_message_without_parts_is_filtered(lines: Json) -> None:
    given = {} if lines == "missing" else {"lines": lines}
    decision = decide(stepped({"split": "lines"}), message(given))
    assert decision.outcome == "filtered"
    assert decision.reason == "steps/0: nothing is left after split"


def test_what_is_no_list_is_one_part() -> None:
    decision = decide(stepped({"split": "lines"}), message({"lines": {"sku": "x"}}))
    assert sent(decision) == [{"sku": "x"}]


def test_i8_more_parts_than_one_message_may_have_are_refused() -> None:
    def given(count: int) -> bytes:
        return msgspec.json.encode({"lines": [{}] * count})

    made = stepped({"split": "lines"})
    assert len(decide(made, message(given(MAX_PARTS))).children) == MAX_PARTS
    assert decide(made, message(given(MAX_PARTS + 1))).outcome == "rejected"
    nested = stepped({"split": "lines"}, {"split": "$whole.lines"})
    assert decide(nested, message(given(100))).outcome == "rejected"


def test_a_join_puts_what_became_of_the_parts_together_in_their_order() -> None:
    made = stepped(
        {
            "split": "lines",
            "steps": [{"where": "qty > 1"}, {"map": "{'sku': sku, 'double': qty * 2}"}],
            "join": {"into": "priced"},
        },
        {"map": "{'order': order, 'lines': [$priced]}"},
    )
    given = {"order": "A1", "lines": [{"sku": c, "qty": n} for n, c in enumerate("abcd")]}
    lines = [{"sku": "c", "double": 4}, {"sku": "d", "double": 6}]
    decision = decide(made, message(given))
    assert sent(decision) == [{"order": "A1", "lines": lines}]
    assert "partindex" not in decision.children[0].message.extensions
    empty = decide(made, message({"order": "A1", "lines": []}))
    assert sent(empty) == [{"order": "A1", "lines": []}]


def test_a_join_inside_a_part_puts_only_its_own_parts_together() -> None:
    made = stepped(
        {
            "split": "groups",
            "steps": [
                {"split": "items", "steps": [{"map": "{'n': n + 1}"}], "join": {"into": "inner"}},
                {"map": "{'sum': $sum($inner.n)}"},
            ],
        }
    )
    given = {"groups": [{"items": [{"n": 1}, {"n": 2}]}, {"items": [{"n": 10}]}]}
    assert sent(decide(made, message(given))) == [{"sum": 5}, {"sum": 11}]


def test_conditions_and_mappings_know_the_attributes_of_the_message() -> None:
    attributes = {"subject": "order/1", "extensions": {"tenant": "eu"}}
    made = stepped(
        where="$message.extensions.tenant = 'eu'",
        send=[
            {
                "when": "$message.subject = 'order/1'",
                "to": "book",
                "map": "{'id': $message.id, 'type': $message.type}",
            }
        ],
    )
    assert not made.straight
    assert sent(decide(made, message({}, **attributes))) == [{"id": "o-1", "type": ORDER.name}]
    assert decide(made, message({})).outcome == "filtered"


def test_a_route_with_steps_that_change_nothing_sends_the_very_bytes() -> None:
    raw = b'{ "total" : 1.50 }'
    (child,) = decide(stepped({"where": "total > 1"}), message(raw)).children
    assert child.message.data is raw


@pytest.mark.parametrize(
    ("step", "pointer"),
    [
        ({"map": "("}, "/steps/0/map"),
        ({"map": "$", "as": "nobody.knows.this"}, "/steps/0/as"),
        ({"where": "("}, "/steps/0/where"),
        ({"keep": ["a..b"]}, "/steps/0/keep/0"),
        ({"keep": ["a", "$.b"]}, "/steps/0/keep/1"),
        ({"drop": []}, "/steps/0/drop"),
        ({"split": "("}, "/steps/0/split"),
        ({"split": "a", "steps": [{"where": "b"}, {"map": ")"}]}, "/steps/0/steps/1/map"),
        ({"split": "a", "join": {"into": "sum"}}, "/steps/0/join/into"),
        ({"split": "a", "join": {"into": "not a name"}}, "/steps/0/join/into"),
    ],
)
def test_a_step_that_cannot_be_is_told_with_its_place(step: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Halt) as caught:
        stepped(step)
    assert [each.pointer for each in caught.value.problems] == [pointer]


@pytest.mark.parametrize(
    "step",
    [{}, {"map": "a", "where": "b"}, {"where": "a", "as": "b.c.d"}, {"map": "a", "steps": [{}]}],
)
def test_a_step_has_one_pattern_and_only_what_belongs_to_it(step: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        stepped(step)
