"""Physical lines of a file, read in a stream and bounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, Final

import msgspec

KEPT: Final = 64 * 1024
"""Bytes that are kept at most of a line that is too long."""

_TERMINATOR: Final = 2  # the longest one: CR LF


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One physical line.

    Attributes:
        number: From 1.
        start: Where it starts in the file.
        end: Where the next one starts.
        raw: Its bytes with its terminator; only its start when it is too long.
        too_long: Whether it is longer than the limit.
    """

    number: int
    start: int
    end: int
    raw: bytes
    too_long: bool = False


class LineReader:
    """Reads lines one by one; a line may be given back and is then read again."""

    def __init__(self, file: BinaryIO, limit: int, *, offset: int = 0, number: int = 0) -> None:
        """Start behind a line.

        Args:
            file: Opened for reading, buffered; nobody else may move it.
            limit: Longest line in bytes, without its terminator.
            offset: Where the next line starts.
            number: Number of the line before it.
        """
        file.seek(offset)
        self.limit = limit
        self._file = file
        self._offset = offset
        self._number = number
        self._back: list[Line] = []

    @property
    def position(self) -> int:
        """Where the next line starts."""
        return self._back[-1].start if self._back else self._offset

    def next(self) -> Line | None:
        """Return the next line, None at the end of the file."""
        if self._back:
            return self._back.pop()
        raw = self._file.readline(self.limit + _TERMINATOR)
        if not raw:
            return None
        too_long = len(raw.rstrip(b"\r\n")) > self.limit or not self._is_whole(raw)
        size = len(raw) + (0 if raw.endswith(b"\n") else self._skip())
        start, self._offset = self._offset, self._offset + size
        self._number += 1
        return Line(
            number=self._number,
            start=start,
            end=self._offset,
            raw=raw[:KEPT] if too_long else raw,
            too_long=too_long,
        )

    def give_back(self, lines: Sequence[Line]) -> None:
        """Make lines, in their order, the next ones again."""
        self._back.extend(reversed(lines))

    def _is_whole(self, raw: bytes) -> bool:
        return raw.endswith(b"\n") or len(raw) < self.limit + _TERMINATOR

    def _skip(self) -> int:
        """Read to the end of the line without keeping it; return how much that was."""
        skipped = 0
        while more := self._file.readline(KEPT):
            skipped += len(more)
            if more.endswith(b"\n"):
                break
        return skipped
