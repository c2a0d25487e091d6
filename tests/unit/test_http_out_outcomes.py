from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from crossdock.contracts import CrossdockError, Disconnected, Halt, Reject, Retry
from crossdock.mesh.web.outcomes import LONGEST_WAIT, of_answer, of_failure, retry_after

_NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def _of(status: int, **headers: str) -> CrossdockError | None:
    return of_answer(status, headers, conflict="reject", now=_NOW)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_2xx_is_delivered(status: int) -> None:
    assert _of(status) is None


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_tried_again(status: int) -> None:
    assert isinstance(_of(status), Retry)


@pytest.mark.parametrize("status", [401, 403, 407, 301, 302, 304, 308])
def test_wrong_credentials_or_address_halt_and_touch_no_message(status: int) -> None:
    assert isinstance(_of(status), Halt)


@pytest.mark.parametrize("status", [400, 404, 405, 409, 410, 413, 422, 451])
def test_what_the_server_will_never_take_is_rejected(status: int) -> None:
    assert isinstance(_of(status), Reject)


def test_a_conflict_may_mean_that_it_was_done_before() -> None:
    assert of_answer(409, {}, conflict="done", now=_NOW) is None


def test_the_wait_is_the_one_that_the_server_says() -> None:
    found = of_answer(503, {"retry-after": "7"}, conflict="reject", now=_NOW)
    assert isinstance(found, Retry)
    assert found.after == 7


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("9" * 5000, LONGEST_WAIT),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sun, 01 Mar 2027 12:00:00 GMT", LONGEST_WAIT),
        ("Sun, 01 Mar 2026 12:00:30 -0000", 30),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("Sun, 99 Mar 2026 12:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_bounded(text: str, seconds: float | None) -> None:
    assert retry_after(text, _NOW) == seconds


@pytest.mark.parametrize(
    ("error", "instruction"),
    [
        (httpx.ConnectError("x"), Disconnected),
        (httpx.ConnectTimeout("x"), Disconnected),
        (httpx.ReadTimeout("x"), Retry),
        (httpx.WriteError("x"), Retry),
        (httpx.RemoteProtocolError("x"), Retry),
        (httpx.LocalProtocolError("x"), Halt),
    ],
)
def test_without_an_answer_what_was_surely_not_sent_is_disconnected_and_the_rest_unknown(
    error: httpx.TransportError, instruction: type[CrossdockError]
) -> None:
    assert isinstance(of_failure(error), instruction)
