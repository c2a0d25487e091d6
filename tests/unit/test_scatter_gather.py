"""Scatter-Gather: whom it asks, and when the answers are enough, without anybody to ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from crossdock.contracts import CrossdockError, Disconnected, Halt, Reject, Retry
from crossdock.mesh.expression import Json
from crossdock.mesh.project.conversion import scalar
from crossdock.router.compiled import CompiledRoute, compile_route
from crossdock.router.deciding import Decision, deciding
from crossdock.router.driving import drive
from crossdock.router.effects import Answer, Call, Effect
from crossdock.router.flow import Ran
from crossdock.router.route_file import RouteFile
from stepped_route import REGISTRY, message, sent

ASK = {"near": "{'sku': sku}", "far": "{'sku': sku, 'qty': qty}", "dear": "rich ? {'sku': sku}"}
BEST = {"map": "{'best': $min($offers.answer.price), 'from': [$offers.from]}"}


def route(**settings: Json) -> CompiledRoute:
    scatter = {"ask": ASK, "into": "offers", "deadline": "2s"} | settings
    given: dict[str, Any] = {
        "route": "r",
        "accepts": "sales.order.placed",
        "steps": [{"scatter": scatter}, BEST],
        "send": [{"to": "book"}],
    }
    file = msgspec.convert(given, RouteFile, dec_hook=scalar)
    return compile_route(file, REGISTRY, Path(), mesh="m", calls=set(ASK))


def decided(made: CompiledRoute, data: Json, **answers: Answer) -> tuple[Decision, list[Call]]:
    asked: list[Call] = []

    def answer(effect: Effect) -> Answer:
        assert isinstance(effect, Call)
        asked.append(effect)
        return answers[effect.client]

    return drive(deciding(made, message(data)), answer), asked


def test_everybody_is_asked_at_once_what_concerns_him_and_the_answers_are_a_variable() -> None:
    data = {"sku": "tea", "qty": 2}
    decision, asked = decided(route(), data, near={"price": 4}, far={"price": 3})
    assert sent(decision) == [{"best": 3, "from": ["near", "far"]}]
    assert asked == [
        Call(step="steps/0", client="near", request={"sku": "tea"}, timeout=2),
        Call(step="steps/0", client="far", request=data, timeout=2),
    ]
    assert decision.steps[0] == Ran("steps/0", "scatter", 1, 1, "2 asked, 2 answered in time")


def test_who_has_not_answered_is_left_out_when_the_others_are_enough() -> None:
    made = route(at_least=1)
    data = {"sku": "tea", "qty": 2, "rich": True}
    answers: dict[str, Answer] = {"near": {"price": 4}, "far": Retry("late"), "dear": Reject("no")}
    decision, _ = decided(made, data, **answers)
    assert sent(decision) == [{"best": 4, "from": ["near"]}]
    assert decision.steps[0].note == "3 asked, 1 answered in time"


@pytest.mark.parametrize(
    ("far", "near", "raised"),
    [
        (Retry("late"), Reject("no"), Retry),
        (Retry("late"), Disconnected("away"), Disconnected),
        (Halt("password"), {"price": 1}, Halt),
    ],
)
def test_too_few_answers_are_what_the_most_hopeful_failure_says(
    far: Answer, near: Answer, raised: type[CrossdockError]
) -> None:
    with pytest.raises(raised):
        decided(route(), {"sku": "tea", "qty": 1}, near=near, far=far)


def test_refusals_by_all_reject_the_message() -> None:
    made, data = route(at_least=1), {"sku": "tea", "qty": 1}
    decision, _ = decided(made, data, near=Reject("no"), far=Reject("no"))
    assert decision.outcome == "rejected"
    assert "0 of 2 have answered, 1 must" in decision.reason


def test_a_message_about_which_nobody_is_asked_is_rejected() -> None:
    made = route(ask={"near": "rich ? 1"})
    assert "there is nobody to ask" in decided(made, {"sku": "tea"})[0].reason


@pytest.mark.parametrize(
    ("settings", "pointer"),
    [
        ({"ask": {}}, "/steps/0/scatter/ask"),
        ({"ask": {"nobody": "1"}}, "/steps/0/scatter/ask/nobody"),
        ({"ask": {"near": "("}}, "/steps/0/scatter/ask/near"),
        ({"at_least": 4}, "/steps/0/scatter/at_least"),
        ({"into": "message"}, "/steps/0/scatter/into"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(settings: dict[str, Json], pointer: str) -> None:
    with pytest.raises(Halt) as refused:
        route(**settings)
    assert [each.pointer for each in refused.value.problems] == [pointer]
