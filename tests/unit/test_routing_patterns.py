"""Dynamic Router, Wire Tap and Normalizer: what they make of one message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crossdock.cli.main import app
from crossdock.contracts import Halt
from crossdock.mesh.expression import Json
from crossdock.router.deciding import NO_DESTINATION, decide
from project_folder import write, write_project
from stepped_route import CONTACT, LINE, ORDER, message, sent, stepped

TO = {"expr": "partners.name", "among": ["north", "south", "west"]}


def test_a_dynamic_router_sends_where_the_message_says() -> None:
    made = stepped(send=[{"to": TO}])
    decision = decide(made, message({"partners": [{"name": "west"}, {"name": "north"}]}))
    assert [each.destination for each in decision.children] == ["north", "west"]
    one = decide(made, message({"partners": {"name": "south"}}))
    assert [each.destination for each in one.children] == ["south"]
    assert made.destinations == ("north", "south", "west")


@pytest.mark.parametrize("partners", [[], None, [{"name": None}]])
def test_a_message_that_chooses_no_destination_is_filtered(partners: Json) -> None:
    for steps in ((), ({"where": "true"},)):
        decision = decide(stepped(*steps, send=[{"to": TO}]), message({"partners": partners}))
        assert (decision.outcome, decision.reason) == ("filtered", NO_DESTINATION)


@pytest.mark.parametrize("name", ["east", "north\n", "", 7, "secret-4929"])
def test_i6_a_destination_that_was_not_declared_is_rejected_and_not_told(name: Json) -> None:
    decision = decide(stepped(send=[{"to": TO}]), message({"partners": {"name": name}}))
    assert (decision.outcome, decision.children) == ("rejected", ())
    assert "send/0/to" in decision.reason
    assert "4929" not in repr(decision)


def test_i4_a_chosen_destination_has_the_id_that_it_would_have_by_itself() -> None:
    given = message({"partners": {"name": "west"}})
    (chosen,) = decide(stepped(send=[{"to": TO}]), given).children
    (fixed,) = decide(stepped(send=[{"to": "west"}]), given).children
    assert chosen == fixed


def test_a_computed_destination_is_checked_against_the_workers(tmp_path: Path) -> None:
    route = """
        route: by-country
        accepts: sales.order.placed@^1
        steps: [{tap: audit}]
        send:
          - to: {expr: country, among: [eu, wrld]}
    """
    folder = write_project(tmp_path, route=route)
    for name in ("eu", "world"):
        settings = f"worker: {name}\nadapter: file-out\nsettings: {{path: x, format: jsonl}}\n"
        write(folder, f"workers/{name}.yaml", settings)
    told = CliRunner().invoke(app, ["check", str(folder)]).output
    assert "routes/by-country.yaml:6: dangling-destination: no worker consumes 'wrld'" in told
    assert "routes/by-country.yaml:4: dangling-destination: no worker consumes 'audit'" in told


def test_a_wire_tap_sends_a_copy_of_what_is_there_and_changes_nothing() -> None:
    made = stepped({"tap": "audit"}, {"drop": ["secret"]}, {"tap": "log"})
    decision = decide(made, message({"n": 1, "secret": 2}))
    assert sent(decision, "audit") == [{"n": 1, "secret": 2}]
    assert sent(decision, "log") == sent(decision) == [{"n": 1}]
    assert len({each.message.id for each in decision.children}) == 3
    assert made.destinations == ("audit", "log", "book")


def test_a_wire_tap_sends_its_copy_also_of_what_is_filtered_then() -> None:
    decision = decide(stepped({"tap": "audit"}, {"where": "n > 1"}), message({"n": 1}))
    assert decision.outcome == "filtered"
    assert sent(decision, "audit") == [{"n": 1}]


def test_a_wire_tap_copies_every_part_under_an_id_of_its_own() -> None:
    made = stepped({"split": "lines", "steps": [{"tap": "book"}]})
    decision = decide(made, message({"lines": [{"n": 1}, {"n": 2}]}))
    assert sent(decision) == [{"n": 1}, {"n": 2}, {"n": 1}, {"n": 2}]
    assert len({each.message.id for each in decision.children}) == 4


def test_a_wire_tap_never_fails_what_it_taps() -> None:
    made = stepped({"map": "n"}, {"tap": "audit"}, {"map": "{'n': $}"})
    decision = decide(made, message({"n": 1}))
    assert decision.outcome == "routed"
    assert sent(decision, "audit") == []
    assert decision.steps[1].note == f"not sent: it breaks {ORDER.dataschema}"


def test_a_normalizer_makes_one_contract_of_several() -> None:
    mappings = {
        "sales.order.placed@1": "{'sku': buyer}",
        "crm.contact.changed": "{'sku': name}",
    }
    step = {"normalize": mappings, "as": "sales.line.ordered"}
    made = stepped(
        step, accepts=["sales.order.placed", "crm.contact.changed", "sales.line.ordered"]
    )
    for given in (
        message({"buyer": "Ada"}),
        message({"name": "Ada"}, CONTACT),
        message({"sku": "Ada"}, LINE),
    ):
        (child,) = decide(made, given).children
        assert (child.message.type, child.message.data) == ("sales.line.ordered", b'{"sku":"Ada"}')
    refused = decide(made, message({"buyer": 7}))
    assert refused.reason.startswith("steps/0: its result breaks crossdock:sales.line.ordered")


@pytest.mark.parametrize(
    ("step", "pointer"),
    [
        ({"normalize": {"sales.order.placed": "$"}}, "/steps/0/normalize"),
        (
            {"normalize": {"sales.order.placed": "("}, "as": "sales.line.ordered"},
            "/steps/0/normalize/sales.order.placed",
        ),
        (
            {"normalize": {"sales.order.placed": "$"}, "as": "sales.line.ordered"},
            "/steps/0/normalize",
        ),
        (
            {
                "normalize": {
                    "sales.order.placed": "$",
                    "crm.contact.changed": "$",
                    "no.such.contract": "$",
                },
                "as": "sales.line.ordered",
            },
            "/steps/0/normalize/no.such.contract",
        ),
        ({"tap": "No!"}, "/steps/0/tap"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(step: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Halt) as caught:
        stepped(step, accepts=["sales.order.placed", "crm.contact.changed"])
    assert pointer in [each.pointer for each in caught.value.problems]
