"""What one message is made of: a line of JSON lines, a row of CSV, or a whole JSON file.

Every byte of a file belongs to exactly one record or to a blank line between them: nothing is
skipped, nothing is counted twice (I5).
"""

from __future__ import annotations

from collections.abc import Iterator
from os import SEEK_END
from typing import Any, BinaryIO

import msgspec

from crossdock.workers.file_in.lines import KEPT, Line, LineReader

_BOM = b"\xef\xbb\xbf"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One record.

    Attributes:
        number: Line it starts on, from 1.
        start: Where it starts in the file.
        end: Where what follows it starts.
        last_line: Line it ends on.
        raw: Its bytes without the last terminator.
        value: What it says; ``raw`` when it could not be read.
        error: Why it could not be read, without a value from it (I6).
        whole_file: Whether nothing else of the file can be read because of it.
    """

    number: int
    start: int
    end: int
    last_line: int
    raw: bytes
    value: Any
    error: str | None = None
    whole_file: bool = False

    def __repr__(self) -> str:  # I6
        return f"Record({self.number}, {len(self.raw)} bytes, error={self.error!r})"


def broken(line: Line, error: str, *, whole_file: bool = False) -> Record:
    """Return the record for a line that could not be read."""
    raw = content(line)
    return Record(
        number=line.number,
        start=line.start,
        end=line.end,
        last_line=line.number,
        raw=raw,
        value=raw,
        error=error,
        whole_file=whole_file,
    )


def content(line: Line) -> bytes:
    """Return a line's bytes without terminator and, on the first one, byte order mark."""
    raw = line.raw.rstrip(b"\r\n")
    return raw.removeprefix(_BOM) if line.start == 0 else raw


def too_long(limit: int) -> str:
    """Return the text for a line that is too long."""
    return f"line longer than max_line ({limit} bytes); only its start is kept here"


def jsonl_records(lines: LineReader) -> Iterator[Record]:
    """Read JSON lines; blank ones are passed over."""
    while (line := lines.next()) is not None:
        if line.too_long:
            yield broken(line, too_long(lines.limit))
        elif raw := content(line).strip():
            yield _json_record(line, raw)


def _json_record(line: Line, raw: bytes) -> Record:
    value, error = _decoded(raw)
    return Record(
        number=line.number,
        start=line.start,
        end=line.end,
        last_line=line.number,
        raw=raw,
        value=raw if error else value,
        error=error,
    )


def json_record(file: BinaryIO, limit: int) -> Record:
    """Read a whole file as one JSON value."""
    file.seek(0)
    raw = file.read(limit + 1)
    if len(raw) > limit:
        error: str | None = f"file larger than max_file ({limit} bytes); only its start is here"
        value, raw = None, raw[:KEPT]
    else:
        raw = raw.removeprefix(_BOM)
        value, error = _decoded(raw)
    return Record(
        number=1,
        start=0,
        end=max(1, file.seek(0, SEEK_END)),  # an empty file is one record, too
        last_line=1,
        raw=raw,
        value=raw if error else value,
        error=error,
        whole_file=error is not None,
    )


def _decoded(raw: bytes) -> tuple[Any, str | None]:
    try:
        return msgspec.json.decode(raw), None
    except RecursionError:
        return None, "JSON nested too deeply"
    except (msgspec.DecodeError, UnicodeDecodeError):
        # The library's own text may quote what it read: I6.
        return None, "not valid JSON in UTF-8"
