"""Times of PostgreSQL as RFC 3339 texts.

Python's own types end at the year 9999 and know no infinity: one such row would stop all others.
"""

from __future__ import annotations

from psycopg.abc import Buffer
from psycopg.adapt import Loader


class Text(Loader):
    """A value as PostgreSQL writes it."""

    def load(self, data: Buffer) -> str:
        """Read the bytes of the protocol's text format."""
        return bytes(data).decode()


class Time(Loader):
    """``2026-01-02 03:04:05.6+00`` as ``2026-01-02T03:04:05.6Z``; without a zone, without the Z."""

    def load(self, data: Buffer) -> str:
        """Read the bytes of the protocol's text format, of a session in UTC."""
        text = bytes(data).decode().replace(" ", "T", 1)
        return f"{text[:-3]}Z" if text.endswith("+00") else text
