"""Return addresses and routing slips: what the attributes may hold, and what becomes of them."""

from __future__ import annotations

import pytest

from crossdock.contracts import Message, Reject, Subjects
from crossdock.contracts.replying import (
    MAX_ADDRESSES,
    addresses_of,
    return_address,
    through,
    waiting_at,
)
from crossdock.contracts.slips import MAX_STOPS, slip_of

HOSTILE = ("a.b", ">", "*", "a\r\nb", "x" * 64, "A", "route:", "route:a.b", "a  b", " a", "a:b")


def _with(name: str, value: str) -> Message:
    return Message(id="1", source="/t", type="a.b.c", extensions={name: value})


def test_an_address_follows_from_the_identity_of_the_request_and_from_nothing_else() -> None:
    first = return_address("/t/gateway/shop", "m-1")
    assert first == return_address("/t/gateway/shop", "m-1")
    others = {
        return_address("/t/gateway/shop", "m-2"),
        return_address("/t/gateway/other", "m-1"),
        return_address("/t/gateway/shopm", "-1"),
    }
    assert len(others | {first}) == 4
    assert Subjects("t").reply(first) == f"t.reply.{first}"


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_address_and_no_slip_is_refused_and_never_a_subject(text: str) -> None:
    with pytest.raises(Reject, match="no return address"):
        addresses_of(_with("replyto", text))
    with pytest.raises(Reject, match="no routing slip"):
        slip_of(_with("routingslip", f"1 {text}"))
    with pytest.raises(ValueError, match="not a name"):
        Subjects("t").reply(text)
    with pytest.raises(ValueError, match="not a name"):
        Subjects("t").stop(text)


@pytest.mark.parametrize("text", ["", "1", "0 a", "2 a", "-1 a", "x a", "1.0 a", "٣ a", "999 a"])
def test_a_slip_whose_number_is_none_of_its_stops_is_refused(text: str) -> None:
    if not text:
        assert slip_of(_with("routingslip", text)) is None
        return
    with pytest.raises(Reject, match="no routing slip"):
        slip_of(_with("routingslip", text))


def test_a_slip_is_moved_on_to_its_end() -> None:
    slip = slip_of(_with("routingslip", "1 route:a b"))
    assert slip is not None
    assert (slip.stop, slip.is_last) == ("route:a", False)
    moved = slip.moved_on()
    assert (str(moved), moved.stop, moved.is_last) == ("2 route:a b", "b", True)


def test_a_slip_and_a_return_address_are_bounded() -> None:
    longest = " ".join(["1", *["a"] * MAX_STOPS])
    assert slip_of(_with("routingslip", longest)) is not None
    with pytest.raises(Reject):
        slip_of(_with("routingslip", f"{longest} a"))
    addresses: tuple[str, ...] = ()
    for _ in range(MAX_ADDRESSES):
        addresses = addresses_of(_with("replyto", through("back", addresses)))
    with pytest.raises(Reject, match="more than 8"):
        through("back", addresses)


def test_somebody_waits_behind_the_routes_that_the_reply_goes_through() -> None:
    assert waiting_at("route:back route:more 4f1c") == "4f1c"
    assert waiting_at("route:back") is None
    assert waiting_at("") is None
    assert waiting_at("a.b") is None
