"""What expressions give, what of the engine we rely on, and that nothing gets past the bounds."""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from crossdock.contracts import Reject, Retry
from crossdock.mesh import expression
from crossdock.mesh.expression import UNDEFINED, Expression, Json, truth

CARD = "4929-secret-0001"


@pytest.mark.parametrize(
    ("text", "value", "result"),
    [
        ("total", {"total": 1.0}, 1),
        ("total", {"total": 1.5}, 1.5),
        ("big", {"big": 2**53 + 1}, 2**53),
        ("-0.0", {}, 0),
        ("lines.sku", {"lines": [{"sku": "a"}]}, "a"),
        ("lines.sku", {"lines": [{"sku": "a"}, {"sku": "b"}]}, ["a", "b"]),
        ("lines.sku[]", {"lines": [{"sku": "a"}]}, ["a"]),
        ("[lines.sku]", {"lines": [{"sku": "a"}]}, ["a"]),
        ("lines", {"lines": ["a"]}, ["a"]),
        ("lines", {"lines": []}, []),
        ("nothing", {}, UNDEFINED),
        ("nothing", None, UNDEFINED),
        ("$", None, UNDEFINED),
        ("field", {"field": None}, None),
        ('{"a": nothing, "b": null}', {}, {"b": None}),
        ("[nothing, 1]", {}, [1]),
        ('{"f": function($x){$x}}', {}, {"f": None}),
        ("$rate * 2", {}, UNDEFINED),
    ],
)
def test_an_expression_gives_what_its_docstring_says(text: str, value: Json, result: Json) -> None:
    found = Expression(text).evaluate(value)
    assert found == result
    assert type(found) is type(result)


def test_a_binding_is_a_variable_of_one_evaluation_only() -> None:
    made = Expression("$rate * amount")
    assert made.evaluate({"amount": 2}, {"rate": 3}) == 6
    assert made.evaluate({"amount": 2}) is UNDEFINED


def test_a_variable_set_in_one_evaluation_is_gone_in_the_next() -> None:
    made = Expression("($seen := $exists($seen) ? $seen + 1 : 1)")
    assert [made.evaluate({}), made.evaluate({})] == [1, 1]


@pytest.mark.parametrize("value", [True, 1, "x", [0, [1]], {"a": None}, [[], "x"]])
def test_truth_is_that_of_boolean_when_true(value: Json) -> None:
    assert truth(value)
    assert Expression("v").holds({"v": value})
    assert Expression("$boolean(v)").evaluate({"v": value}) is True


@pytest.mark.parametrize("value", [False, 0, "", None, [], {}, [0, ""], [[0], []]])
def test_truth_is_that_of_boolean_when_false(value: Json) -> None:
    assert not truth(value)
    assert not Expression("v").holds({"v": value})
    assert Expression("$boolean(v)").evaluate({"v": value}) is False


def test_a_condition_that_finds_nothing_does_not_hold() -> None:
    assert not Expression("missing").holds({})
    assert not Expression("missing > 3").holds({})
    assert not Expression("function($x){$x}").holds({})


def test_a_transformation_gives_the_value_and_its_json() -> None:
    value, data = Expression('{"n": name}').transform({"name": "Ann"})
    assert value == {"n": "Ann"}
    assert data == b'{"n":"Ann"}'


def test_a_transformation_that_gives_nothing_is_rejected() -> None:
    with pytest.raises(Reject, match="gives nothing"):
        Expression("missing").transform({})


@pytest.mark.parametrize(
    ("text", "line", "column"), [("a +", 1, 4), ("a\n b", 2, 3), ("{'a': 1,\n  'b': }", 2, 9)]
)
def test_what_is_not_jsonata_is_told_with_its_line_and_column(
    text: str, line: int, column: int
) -> None:
    with pytest.raises(ValueError, match=f"line {line}, column {column}: "):
        Expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "v + 1",
        "v > 1",
        "$error(v)",
        "$assert(false, v)",
        "$number(v)",
        "$toMillis(v)",
        "$sum(v)",
        "v()",
        "{v: 1, 'b': 2, v & '': 3}",
        "$decodeUrlComponent(v & '%')",
    ],
)
def test_i6_an_error_text_never_holds_the_value_it_is_about(text: str) -> None:
    made = Expression(text, place="routes/orders.yaml:7")
    with pytest.raises(Reject) as caught:
        made.evaluate({"v": CARD})
    error = caught.value
    assert error.__suppress_context__  # a traceback would print the engine's own text
    assert CARD not in f"{error} {error!r} {error.problems} {error.__cause__!r}"
    assert "routes/orders.yaml:7" in error.reason


def test_a_failure_names_place_position_and_code() -> None:
    with pytest.raises(Reject) as caught:
        Expression("\n  $error(name)", place="routes/a.yaml:4").evaluate({"name": "x"})
    assert caught.value.reason == (
        "routes/a.yaml:4: the expression failed at line 2, column 10: $error was called (D3137)"
    )


def test_a_failure_without_a_position_says_none() -> None:
    with pytest.raises(Reject, match=r"^the expression failed: two values of different types"):
        Expression("name > 3").evaluate({"name": "x"})


@pytest.mark.parametrize("value", [{"a": 2**63}, {"a": 10**400}, {"a": b"x"}, {1: 2}, "\ud800"])
def test_a_value_that_the_engine_cannot_read_is_rejected(value: Json) -> None:
    with pytest.raises(Reject):
        Expression("$").evaluate(value)


def test_one_expression_serves_many_threads() -> None:
    made = Expression("n * 2")
    barrier = threading.Barrier(4)

    def work(n: int) -> Json:
        barrier.wait(timeout=10)
        return made.evaluate({"n": n})

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, range(4))) == [0, 2, 4, 6]


def test_i8_an_endless_loop_ends_in_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expression, "TIMEOUT", 0.1)
    monkeypatch.setattr(time, "thread_time", time.monotonic)  # as if no other process ran
    began = time.monotonic()
    with pytest.raises(Reject, match="TIMEOUT"):
        Expression("($f := function($x){$f($x + 1)}; $f(1))").evaluate({})
    assert time.monotonic() - began < 20


def test_a_timeout_that_used_no_processor_time_is_no_fault_of_the_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(expression, "TIMEOUT", 0.05)
    monkeypatch.setattr(time, "thread_time", lambda: 0.0)
    with pytest.raises(Retry, match="busy"):
        Expression("($f := function($x){$f($x + 1)}; $f(1))").evaluate({})


@pytest.mark.parametrize(
    "text",
    [
        "($f := function($x){1 + $f($x + 1)}; $f(1))",
        "($f := function($x){$map([1], function($y){{'a': [$f($x + $y)]}})}; $f(1))",
    ],
)
def test_i8_endless_depth_ends_at_its_bound(text: str) -> None:
    with pytest.raises(Reject, match="STACK_OVERFLOW"):
        Expression(text).evaluate({})


@pytest.mark.parametrize("text", ["(" * 2000, "[" * 2000, "-" * 2000 + "1"])
def test_i8_endless_nesting_of_the_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="deep"):
        Expression(text)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a*)*c", "(a|aa)+$", "(a+)+(?=c)c", "(a|aa)+\\\\1$", "(.*a){20}x"]
)
def test_i8_a_catastrophic_regular_expression_ends(pattern: str) -> None:
    made = Expression(f"$match(v, /{pattern}/)".replace("\\\\", "\\"))
    began = time.monotonic()
    with suppress(Reject):
        made.evaluate({"v": "a" * 60 + "b"})
    assert time.monotonic() - began < 20


def test_i8_a_quadratic_join_over_hostile_data_ends_in_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(expression, "TIMEOUT", 0.1)
    monkeypatch.setattr(time, "thread_time", time.monotonic)  # as if no other process ran
    began = time.monotonic()
    with pytest.raises(Reject, match="TIMEOUT"):
        Expression("n[$ in $$.n]").evaluate({"n": list(range(30_000))})
    assert time.monotonic() - began < 20


def test_i8_a_result_that_is_nested_too_deep_is_rejected() -> None:
    deep = "$reduce([1..3000], function($a, $b){[[$a]]})"
    with pytest.raises(Reject, match="nested too deep"):
        Expression(deep).evaluate({})


def test_i8_a_result_that_is_too_large_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expression, "MAX_RESULT", 1000)
    with pytest.raises(Reject, match="more than 1000 bytes"):
        Expression("[1..1000]").evaluate({})


@pytest.mark.parametrize(
    "text", ["$count($distinct(n))", "$keys(o)", "$match(t, /x/)", "$spread(n)"]
)
def test_i8_a_built_in_that_takes_the_square_of_its_input_gets_small_messages_only(
    text: str,
) -> None:
    numbers = list(range(15_000))
    small = {"n": numbers, "o": {"a": 1}, "t": "y"}
    began = time.monotonic()
    Expression(text).evaluate(small)
    with pytest.raises(Reject, match="at most"):
        Expression(text).evaluate({**small, "more": "x" * 200_000})
    assert time.monotonic() - began < 20
    assert Expression("t").evaluate({"t": "x" * 200_000}) == "x" * 200_000


def test_an_expression_may_die_in_another_thread_than_it_was_used_in() -> None:
    made = [Expression(f"a + {number}") for number in range(50)]
    assert made[1].evaluate({"a": 1}) == 2
    unraisable: list[object] = []
    before, sys.unraisablehook = sys.unraisablehook, unraisable.append
    try:
        thread = threading.Thread(target=made.clear)
        thread.start()
        thread.join()
    finally:
        sys.unraisablehook = before
    assert unraisable == []


def test_a_thread_keeps_a_bounded_number_of_compiled_expressions_and_makes_the_others_anew() -> (
    None
):
    first = Expression("a & 'first'")
    for number in range(5000):
        Expression(f"a + {number}")
    assert len(expression._compiled.by_text) <= 4096
    assert first.evaluate({"a": "the "}) == "the first"


@pytest.mark.parametrize(
    "text",
    [
        "$count(lines[(n in [1, 2]) = false])",
        "$count(lines.(n in [1, 2]))",
        "$count($map(lines, function($line) { [$line.n, 'a'] }))",
        "$count(lines.{'sum': $sum([n, 1])})",
    ],
)
def test_a_list_that_is_written_out_may_meet_a_message_of_thousands_of_lines(text: str) -> None:
    lines = [{"n": number + 5} for number in range(8000)]
    assert Expression(text).evaluate({"lines": lines}) == 8000


def test_an_expression_may_be_as_long_as_it_is_let_in() -> None:
    assert Expression("1" + "+1" * 3999).evaluate({}) == 4000


def test_I8_what_calls_itself_for_ever_ends_also_with_room_for_many_calls() -> None:
    for text in (
        "($f := function($x) { 1 + $f($x + 1) }; $f(1))",
        "($f := function($x) { {'a': [$map([1], function($y) { $f($y).b })]} }; $f(1))",
        "($f := function($x) { ($x; [1, $f($x)[0].a{'k': $}]) }; $f(1))",
    ):
        with pytest.raises(Reject, match=r"deep|longer than"):
            Expression(text).evaluate({"secret": "topsecret"})
