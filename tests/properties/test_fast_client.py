"""Our header coding agrees with that of the nats-py that is installed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.aio import client as nats_client
from nats.aio.client import Client
from nats.errors import BadHeaderError
from nats.js.api import Header

from crossdock.mesh.bus.fast_client import encode_headers, parse_header_lines, speed_up

names = st.from_regex(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,20}", fullmatch=True)
values = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["C", "Z"]))


@given(st.dictionaries(names, values, max_size=12))
def test_header_blocks_are_parsed_as_nats_py_does(headers: dict[str, str]) -> None:
    raw = b"".join(f"{k}: {v}\r\n".encode() for k, v in headers.items()) + b"\r\n"
    assert parse_header_lines(raw) == Client._parse_header_lines(raw) == headers


def test_what_is_no_header_is_skipped() -> None:
    raw = b"no colon\r\nbad name: x\r\nok:1\r\nempty:\r\nurl: http://a:1/b \r\n\r\n"
    assert parse_header_lines(raw) == Client._parse_header_lines(raw)


@given(st.lists(st.sampled_from(["a: b\r\n", "a:b\r\n", "x y: z\r\n", "\r\n", "ü: é\r\n"])))
def test_lines_of_any_form_are_parsed_as_nats_py_does(lines: list[str]) -> None:
    raw = "".join([*lines, "\r\n"]).encode()
    assert parse_header_lines(raw) == Client._parse_header_lines(raw)


def test_the_private_names_that_we_replace_are_there() -> None:
    assert callable(Client._parse_header_lines)
    assert callable(Client._send_publish)
    assert callable(Client._flush_pending)
    assert Client()._flush_queue is None
    assert Client()._skip_subject_validation is False


class _Recorder(Client):
    """A client that keeps what it would have sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []

    async def _send_command(self, cmd: bytes, priority: bool = False) -> None:  # noqa: FBT001, FBT002 - nats-py's
        assert not priority
        self.sent.append(cmd)


@given(st.dictionaries(names, values, min_size=1, max_size=12), st.binary(max_size=20))
async def test_what_is_sent_is_what_nats_py_sends(headers: dict[str, str], data: bytes) -> None:
    theirs, ours = _Recorder(), _Recorder()
    speed_up(ours)
    for client in (theirs, ours):
        await client._send_publish("a.b", "r", data, len(data), headers)
    assert ours.sent == theirs.sent


@pytest.mark.parametrize("value", ["a\r\nNats-Msg-Id: x", "a\nb", "a\rb", "\r\n"])
def test_a_line_break_in_a_value_is_refused(value: str) -> None:
    with pytest.raises(BadHeaderError):
        encode_headers({"ce-id": value})


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "é"])
def test_a_name_that_is_no_token_is_refused(name: str) -> None:
    with pytest.raises(BadHeaderError):
        encode_headers({name: "x"})


async def test_an_email_parser_that_happens_to_be_installed_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nats_client, "parse_email", lambda _raw: None)
    client = Client()
    speed_up(client)
    assert await client._process_headers(b"NATS/1.0\r\nce-id: 1\r\n\r\n") == {"ce-id": "1"}


def test_the_names_that_nats_py_has_constants_for_are_sent_as_they_are() -> None:
    raw = encode_headers({Header.EXPECTED_LAST_SUBJECT_SEQUENCE: "0"})
    assert raw == b"NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: 0\r\n\r\n"
