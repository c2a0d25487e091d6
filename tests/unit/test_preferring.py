"""Prefer headers (RFC 7240): what is understood, and that the rest is not there."""

from __future__ import annotations

import pytest

from crossdock.gateway.preferring import Preferences, preferences

NOTHING = Preferences()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("wait=10", Preferences(wait=10)),
        ("respond-async, wait=5", Preferences(wait=5, respond_async=True)),
        ('Wait = "7" ; x=1 , lenient', Preferences(wait=7)),
        ("wait=1, wait=2", Preferences(wait=1)),
        ('foo="a,wait=3", respond-async', Preferences(respond_async=True)),
        ("foo; bar=1;baz, wait=0", Preferences(wait=0)),
        (", ,", NOTHING),
        ("wait=-1", NOTHING),
        ("wait=1.5", NOTHING),
        ("wait=99999999999", NOTHING),
        ("wait", NOTHING),
        ("wait=10, \x00", NOTHING),
        ("x" * 600, NOTHING),
    ],
)
def test_what_a_caller_prefers(text: str, found: Preferences) -> None:
    assert preferences({b"prefer": text.encode("latin-1")}) == found


def test_without_the_header_nothing_is_preferred() -> None:
    assert preferences({}) == NOTHING
