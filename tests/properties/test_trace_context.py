"""Trace context from outside is either exactly as W3C says or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import TraceState

from crossdock.mesh.telemetry.trace_context import (
    clean_tracestate,
    is_sampled,
    new_traceparent,
    trace_id,
    valid_traceparent,
)

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_the_example_of_the_standard_is_valid_and_sampled() -> None:
    assert valid_traceparent(GOOD)
    assert is_sampled(GOOD)
    assert trace_id(GOOD) == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "00",
        GOOD.upper(),
        GOOD + "\n",
        GOOD + "\r\nNats-Msg-Id: 1",
        " " + GOOD,
        GOOD + "-extra",
        "ff" + GOOD[2:],
        "01" + GOOD[2:],
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01",
        GOOD.replace("-", "_"),
        GOOD.replace("a", "٣"),
        "00-" * 100_000,
    ],
)
def test_what_is_not_exactly_a_traceparent_is_refused(hostile: str) -> None:
    assert not valid_traceparent(hostile)


@pytest.mark.parametrize(("flags", "sampled"), [("00", False), ("01", True), ("02", False)])
def test_only_the_first_flag_says_sampled(flags: str, sampled: bool) -> None:  # noqa: FBT001 - a case
    assert is_sampled(GOOD[:-2] + flags) is sampled


def test_new_contexts_are_valid_and_differ() -> None:
    made = {new_traceparent(0.5) for _ in range(1000)}

    assert len(made) == 1000
    assert all(valid_traceparent(each) for each in made)


@pytest.mark.parametrize(("ratio", "least", "most"), [(0, 0, 0), (1, 10_000, 10_000)])
def test_none_or_all_are_sampled_when_asked(ratio: float, least: int, most: int) -> None:
    sampled = sum(is_sampled(new_traceparent(ratio)) for _ in range(10_000))

    assert least <= sampled <= most


def test_about_the_asked_share_is_sampled() -> None:
    sampled = sum(is_sampled(new_traceparent(0.1)) for _ in range(20_000))

    assert 1700 < sampled < 2300  # seven standard deviations


def test_white_space_around_members_comes_into_no_header() -> None:
    assert clean_tracestate("rojo=a \t,\tcongo=b, ") == "rojo=a,congo=b"
    assert clean_tracestate("\t") == ""


def test_a_valid_tracestate_is_kept_as_it_is() -> None:
    state = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE,1fua@vendor=x y"

    assert clean_tracestate(state) == state


@pytest.mark.parametrize(
    "hostile",
    [
        "rojo",
        "rojo=a,rojo=b",
        "Rojo=1",
        "rojo=a\r\nNats-Rollup: all",
        "rojo=ä",
        "rojo=" + "x" * 257,
        ",".join(f"k{n}=1" for n in range(33)),
        "a=" + "," * 600,
        "a=b=c",
    ],
)
def test_a_tracestate_that_breaks_the_standard_is_dropped(hostile: str) -> None:
    assert clean_tracestate(hostile) == ""


@given(st.text(max_size=600))
def test_what_passes_can_be_a_header_and_the_sdk_reads_all_of_it(text: str) -> None:
    kept = clean_tracestate(text)

    assert kept.isascii()
    assert kept.isprintable()
    members = [each.strip(" \t") for each in kept.split(",") if each.strip(" \t")]
    assert len(TraceState.from_header([kept])) == len(members)
