"""From where to where in a stream, as people write it: a number, a time, or how long ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
import typer

from crossdock.mesh.project.scalars import Duration

_HINT = "write a number (1200), a time (2026-01-31T09:30:00Z), or how long ago (2h)"

FromOption = Annotated[
    str, typer.Option("--from", help="First message: its number, a time, or how long ago (2h).")
]
ToOption = Annotated[
    str | None, typer.Option("--to", help="Last message, likewise. Default: the newest.")
]


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages of a stream.

    Attributes:
        sequence: The first; None when ``since`` says it.
        since: Time of the first.
        last: The last; None when ``until`` says it, or nothing.
        until: Time of the last.
    """

    sequence: int | None = None
    since: datetime | None = None
    last: int | None = None
    until: datetime | None = None

    @classmethod
    def parse(cls, begin: str, end: str | None) -> Range:
        """Read what a person wrote.

        Raises:
            typer.BadParameter: It is neither number nor time.
        """
        first = _point(begin)
        last = None if end is None else _point(end)
        return cls(
            sequence=first if isinstance(first, int) else None,
            since=first if isinstance(first, datetime) else None,
            last=last if isinstance(last, int) else None,
            until=last if isinstance(last, datetime) else None,
        )

    def is_over(self, sequence: int, time: str) -> bool:
        """Tell whether a message comes after the last one."""
        if self.last is not None and sequence > self.last:
            return True
        return self.until is not None and datetime.fromisoformat(time) > self.until


def _point(text: str) -> int | datetime:
    if text.isdecimal():
        return int(text)
    try:
        return datetime.now(UTC) - timedelta(seconds=Duration.parse(text))
    except (ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text[:40]!r}: {_HINT}") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
