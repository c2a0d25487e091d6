"""Content Enricher: what it asks, and what it makes of the answers, without anybody to ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from crossdock.contracts import CrossdockError, Disconnected, Halt, Reject, Retry
from crossdock.mesh.expression import Json
from crossdock.mesh.project.conversion import scalar
from crossdock.router.calls.answers import read_answer
from crossdock.router.calls.call_file import CallFile
from crossdock.router.calls.url_template import UrlTemplate
from crossdock.router.compiled import CompiledRoute, compile_route
from crossdock.router.deciding import Decision, deciding
from crossdock.router.driving import drive
from crossdock.router.effects import Answer, Call, Effect
from crossdock.router.flow import Ran
from crossdock.router.route_file import RouteFile
from stepped_route import REGISTRY, message, sent

ASK: dict[str, Any] = {"call": "prices", "with": "{'sku': sku}", "into": "price"}
ADD = {"map": "{'sku': sku, 'price': $price.amount}"}
CARD = "4929-secret-0001"


def route(*steps: dict[str, Any], **fields: Json) -> CompiledRoute:
    given = {"route": "r", "accepts": "sales.order.placed", "send": [{"to": "book"}], **fields}
    file = msgspec.convert({**given, "steps": steps}, RouteFile, dec_hook=scalar)
    return compile_route(file, REGISTRY, Path(), mesh="m", calls={"prices"})


def decided(
    made: CompiledRoute, data: Json, *answers: Answer, asked: list[Call] | None = None
) -> Decision:
    left = list(answers)

    def answer(effect: Effect) -> Answer:
        if asked is not None:
            asked.append(effect)
        return left.pop(0)

    return drive(deciding(made, message(data)), answer)


def test_an_answer_is_a_variable_of_all_later_steps() -> None:
    asked: list[Call] = []
    made = route({"enrich": {**ASK, "cache": "1m"}}, {"where": "$price.amount > 1"}, ADD)
    decision = decided(made, {"sku": "tea"}, {"amount": 4}, asked=asked)
    assert sent(decision) == [{"sku": "tea", "price": 4}]
    assert asked == [Call(step="steps/0", client="prices", request={"sku": "tea"}, cache=60)]
    assert decision.steps[0] == Ran("steps/0", "enrich", 1, 1, "1 asked")


def test_the_same_question_of_several_parts_is_asked_once() -> None:
    asked: list[Call] = []
    made = route({"split": "lines", "steps": [{"enrich": ASK}, ADD]})
    lines = [{"sku": "tea"}, {"sku": "cup"}, {"sku": "tea"}]
    decision = decided(made, {"lines": lines}, {"amount": 4}, {"amount": 9}, asked=asked)
    assert [each.request["sku"] for each in asked] == ["tea", "cup"]
    assert [each["price"] for each in sent(decision)] == [4, 9, 4]
    assert made.asks


@pytest.mark.parametrize("error", [Retry("later"), Disconnected("away"), Reject("no"), Halt("bad")])
def test_a_call_that_fails_is_an_instruction_for_the_message(error: CrossdockError) -> None:
    made = route({"enrich": ASK})
    if isinstance(error, Reject):
        assert decided(made, {"sku": "x"}, error).outcome == "rejected"
        return
    with pytest.raises(type(error)):
        decided(made, {"sku": "x"}, error)


@pytest.mark.parametrize(
    ("more", "price"), [({"on_error": "skip"}, None), ({"on_error": "default", "default": 7}, 7)]
)
@pytest.mark.parametrize("error", [Retry("later"), Disconnected("away"), Reject("no")])
def test_a_route_may_go_on_without_an_answer(
    more: dict[str, Any], price: Json, error: CrossdockError
) -> None:
    made = route({"enrich": {**ASK, **more}}, {"map": "{'price': $price}"})
    decision = decided(made, {"sku": "x"}, error)
    assert sent(decision) == [{} if price is None else {"price": price}]
    assert decision.steps[0].note == "1 asked, 1 failed"
    with pytest.raises(Halt):
        decided(made, {"sku": "x"}, Halt("wrong credentials"))


def test_without_a_question_the_message_is_rejected() -> None:
    decision = decided(route({"enrich": {**ASK, "with": "nothing"}}), {})
    assert decision.outcome == "rejected"


def test_a_call_that_the_project_does_not_have_is_told() -> None:
    with pytest.raises(Halt) as caught:
        route({"enrich": {**ASK, "call": "prises"}})
    assert caught.value.problems[0].pointer == "/steps/0/enrich/call"
    assert "there is prices" in caught.value.problems[0].message


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 5000, b'{"n": 9007199254740993}', b"\xff"])
def test_i8_an_answer_that_is_no_bounded_json_is_refused(data: bytes) -> None:
    with pytest.raises(Reject, match="call prices: the answer cannot be used"):
        read_answer(data, None, "prices")


def test_a_url_is_filled_without_letting_a_value_become_structure() -> None:
    template = UrlTemplate.parse("https://h/v1/{sku}?n={n}&x={x}")
    filled = template.fill({"sku": "a/b?c#d é", "n": 3, "x": True}, "prices")
    assert filled == "https://h/v1/a%2Fb%3Fc%23d%20%C3%A9?n=3&x=true"


@pytest.mark.parametrize("value", ["", ".", "..", None, {}, [CARD], "\ud800", CARD * 1000])
def test_i6_a_value_that_cannot_stand_in_a_url_is_rejected_and_not_told(value: Json) -> None:
    with pytest.raises(Reject) as caught:
        UrlTemplate.parse("https://h/{sku}").fill({"sku": value}, "prices")
    assert CARD not in str(caught.value)


@pytest.mark.parametrize(
    "file",
    [
        {},
        {"http": {"url": "https://h/"}, "sql": {"url": "sqlite:///a", "query": "SELECT 1"}},
        {"http": {"url": "https://{host}/x"}},
        {"http": {"url": "https://h{x}/"}},
        {"http": {"url": "https://h/{a b}"}},
        {"http": {"url": "https://h/}"}},
        {"http": {"url": "ftp://h/"}},
        {"http": {"url": "http://h/", "headers": {"host": "x"}}},
        {"sql": {"url": "sqlite:///a", "query": "DELETE FROM t"}},
    ],
)
def test_a_call_file_that_cannot_be_is_refused(file: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"call": "c", **file}, CallFile, dec_hook=scalar)
