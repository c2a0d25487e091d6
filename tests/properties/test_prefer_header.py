"""Prefer headers of any bytes (RFC 7240)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crossdock.gateway.preferring import preferences


@given(st.binary(max_size=600) | st.text('wait=" ,;\\\\0123', max_size=600).map(str.encode))
def test_no_header_breaks_it(value: bytes) -> None:
    found = preferences({b"prefer": value})
    assert found.wait is None or found.wait >= 0
