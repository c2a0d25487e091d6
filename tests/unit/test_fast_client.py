"""Our header parsing agrees with that of the nats-py that is installed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client

from crossdock.mesh.bus.fast_client import parse_header_lines

names = st.from_regex(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,20}", fullmatch=True)
values = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["C", "Z"]))


@given(st.dictionaries(names, values, max_size=12))
def test_header_blocks_are_parsed_as_nats_py_does(headers: dict[str, str]) -> None:
    raw = b"".join(f"{k}: {v}\r\n".encode() for k, v in headers.items()) + b"\r\n"
    assert parse_header_lines(raw) == Client._parse_header_lines(raw) == headers


def test_what_is_no_header_is_skipped() -> None:
    raw = b"no colon\r\nbad name: x\r\nok:1\r\nempty:\r\nurl: http://a:1/b \r\n\r\n"
    assert parse_header_lines(raw) == Client._parse_header_lines(raw)


def test_the_private_names_that_we_replace_are_there() -> None:
    assert callable(Client._parse_header_lines)
    assert Client()._skip_subject_validation is False
