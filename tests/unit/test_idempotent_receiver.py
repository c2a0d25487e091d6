"""Idempotent Receiver: what it claims, and who goes on."""

from __future__ import annotations

from typing import Any

import pytest

from crossdock.contracts import Disconnected, Halt
from crossdock.mesh.expression import Json
from crossdock.router.deciding import Decision, deciding
from crossdock.router.driving import drive
from crossdock.router.effects import Answer, Claim, Effect
from stepped_route import message, sent, stepped

ONCE: dict[str, Any] = {"once": {"key": "order", "within": "1h"}}


def decided(
    steps: list[dict[str, Any]], data: Json, answers: list[Answer]
) -> tuple[Decision, list[Claim]]:
    left: list[Answer] = list(answers)
    claims: list[Claim] = []

    def answer(effect: Effect) -> Answer:
        assert isinstance(effect, Claim)
        claims.append(effect)
        return left.pop(0)

    return drive(deciding(stepped(*steps), message(data)), answer), claims


def test_the_first_with_a_key_goes_on_and_another_is_filtered() -> None:
    first, claims = decided([ONCE], {"order": "A1"}, [True])
    assert sent(first) == [{"order": "A1"}]
    assert claims == [Claim(step="steps/0", key='steps/0 "A1"', holder="/shop o-1", window=3600)]
    again, _ = decided([ONCE], {"order": "A1"}, [False])
    assert (again.outcome, again.reason) == ("filtered", "steps/0: nothing is left after once")


def test_each_part_claims_for_itself() -> None:
    steps = [{"split": "lines", "steps": [{"once": {"key": "[sku, n]"}}]}]
    lines = [{"sku": "a", "n": 1}, {"sku": "a", "n": 1}]
    decision, claims = decided(steps, {"lines": lines}, [True, False])
    assert sent(decision) == lines[:1]
    assert [(each.key, each.holder) for each in claims] == [
        ('steps/0/steps/0 ["a",1]', "/shop o-1/0"),
        ('steps/0/steps/0 ["a",1]', "/shop o-1/1"),
    ]


@pytest.mark.parametrize("order", [None, {}, []])
def test_without_a_key_the_message_is_rejected(order: Json) -> None:
    decision, claims = decided([ONCE], {} if order is None else {"order": order}, [])
    assert (decision.outcome, claims) == ("rejected", [])


def test_a_key_that_cannot_be_claimed_now_holds_the_message_back() -> None:
    with pytest.raises(Disconnected):
        decided([ONCE], {"order": "A1"}, [Disconnected("away")])


def test_a_window_shorter_than_the_broker_counts_cannot_be_meant() -> None:
    with pytest.raises(Halt):
        stepped({"once": {"key": "order", "within": "500ms"}})
