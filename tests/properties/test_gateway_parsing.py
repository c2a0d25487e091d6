"""What the gateway reads of requests: pure functions of bytes, which never fail otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.contracts import Disconnected, Halt, Problem, Reject, Retry
from crossdock.contracts.message import encode
from crossdock.gateway.admission import Admission
from crossdock.gateway.cloudevents import header_value, read_events
from crossdock.gateway.problems import Refused, refusal_of
from crossdock.gateway.request_head import headers_of, idempotency_key, media_type

JSON = {b"content-type": b"application/json"}
_Result = TypeVar("_Result")


def unless(statuses: set[int], work: Callable[[], _Result]) -> _Result | None:
    """Return what the work returns, or None when it refuses with one of these statuses."""
    try:
        return work()
    except Refused as refused:
        if refused.status not in statuses:
            raise
        return None


@given(
    st.dictionaries(
        st.text("abcdefghijklmnopqrstuvwxyz0123456789-%", max_size=25), st.binary(max_size=50)
    ),
    st.binary(max_size=200),
)
def test_no_binary_event_does_anything_but_give_problems(
    attributes: dict[str, bytes], body: bytes
) -> None:
    headers = JSON | {b"ce-" + name.encode(): value for name, value in attributes.items()}
    (event,) = read_events(headers, body, 10)
    assert event.data == body
    assert event.problems or {"id", "source", "type", "specversion"} <= event.attributes.keys()


@given(
    st.binary(max_size=300)
    | st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    ).map(msgspec.json.encode),
    st.sampled_from([b"application/cloudevents+json", b"application/cloudevents-batch+json"]),
)
def test_no_body_does_anything_but_give_problems(body: bytes, kind: bytes) -> None:
    events = unless({400, 413}, lambda: read_events({b"content-type": kind}, body, 5))
    assert all(each.problems for each in events or ())


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_the_canonical_message_encodes_is_read_back(text: str) -> None:
    assert header_value(encode(text).encode("ascii")) == text or text.startswith('"')


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"Euro%20%E2%82%AC", "Euro €"),
        (b'"quoted \\"x\\" %25"', 'quoted "x" %'),
        (b"%2541", "%41"),  # a single round of decoding
        (b"100%", "100%"),
    ],
)
def test_a_ce_header_is_unquoted_and_decoded_once(value: bytes, text: str) -> None:
    assert header_value(value) == text


@pytest.mark.parametrize("value", [b"\xc3\xa9", b"%ff", b'"no end', b'"a" b'])
def test_a_ce_header_that_is_not_encoded_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        header_value(value)


@given(st.binary(max_size=300))
def test_no_content_type_does_anything_but_be_refused(value: bytes) -> None:
    found = unless({415}, lambda: media_type(value))
    assert found is None or "/" in found


@given(st.binary(max_size=300))
def test_an_idempotency_key_is_printable_or_refused(value: bytes) -> None:
    key = unless({400}, lambda: idempotency_key({b"idempotency-key": value}))
    assert key is None or (key.isprintable() and 1 <= len(key) <= 255)


def test_a_header_that_decides_nothing_may_be_there_twice() -> None:
    pairs = [(b"accept", b"a"), (b"accept", b"b"), (b"content-type", b"application/json")]
    assert headers_of({"headers": pairs})[b"content-type"] == b"application/json"
    with pytest.raises(Refused):
        headers_of({"headers": [*pairs, (b"ce-id", b"1"), (b"ce-id", b"2")]})


def test_every_instruction_has_an_answer() -> None:
    assert refusal_of(Disconnected("away")).status == 503
    later = refusal_of(Retry("full", after=6.2))
    assert (later.status, later.headers) == (503, ((b"retry-after", b"7"),))
    assert refusal_of(Halt("wrong")).status == 503
    rejected = refusal_of(Reject("too large", (Problem(message="m", pointer="/a"),)))
    assert rejected.status == 400
    (error,) = msgspec.json.decode(rejected.body())["errors"]
    assert (error["pointer"], error["keyword"], error["message"]) == ("/a", "", "m")


def test_what_the_broker_says_is_not_told_to_callers() -> None:  # I6
    for error in (Disconnected("nats://user:secret@host"), Retry("secret"), Halt("secret")):
        assert b"secret" not in refusal_of(error).body()


def test_admission_is_bounded_in_messages_and_in_bytes() -> None:  # I8
    admission = Admission(messages=3, size=100)
    admission.enter(2, 60)
    with pytest.raises(Refused):
        admission.enter(2, 1)
    with pytest.raises(Refused):
        admission.enter(1, 41)
    admission.enter(1, 40)
    admission.leave(2, 60)
    admission.leave(1, 40)
    assert (admission.messages, admission.bytes) == (0, 0)


def test_one_request_within_the_largest_size_always_fits() -> None:
    admission = Admission(messages=1, size=10)
    admission.enter(1, 1000)
