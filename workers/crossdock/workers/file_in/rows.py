"""Rows of CSV: read in a stream, over several lines where a quoted field has line breaks."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Self

from crossdock.workers.file_in.lines import Line, LineReader
from crossdock.workers.file_in.records import Record, broken, content, too_long
from crossdock.workers.file_in.settings import CsvSettings
from crossdock.workers.file_in.values import RowValues


class BadHeader(Exception):
    """The header row cannot name the columns, so no row can be read."""

    def __init__(self, record: Record) -> None:
        super().__init__(record.error)
        self.record = record


class _Broken(ValueError):
    """A row ends nowhere, or holds what cannot be text."""


class _Feed:
    """Gives the csv module a row's first line, and more of them as long as it asks."""

    def __init__(self, lines: LineReader, first: Line, encoding: str) -> None:
        self._lines = lines
        self._next: Line | None = first
        self._encoding = encoding
        self._size = 0
        self.taken: list[Line] = []

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._next or self._lines.next()
        self._next = None
        if line is None:
            raise StopIteration
        self.taken.append(line)
        self._size += len(line.raw)
        if line.too_long:
            raise _Broken(too_long(self._lines.limit))
        if self._size > self._lines.limit + 2:
            raise _Broken("a quoted field does not end within max_line")
        raw = line.raw[line.raw.startswith(b"\xef\xbb\xbf") * 3 :] if not line.start else line.raw
        try:
            return raw.decode(self._encoding)
        except UnicodeDecodeError as error:
            raise _Broken(f"not valid {self._encoding}") from error


def csv_records(lines: LineReader, settings: CsvSettings, values: RowValues) -> Iterator[Record]:
    """Read the rows that follow the header; blank lines are passed over.

    When a row breaks off in the middle (a quote that does not end), only its first line is the
    broken one and reading goes on with the second: one stray quote never swallows good rows.
    """
    while (line := lines.next()) is not None:
        if line.raw.strip(b"\r\n"):
            fields, taken, error = _row(lines, line, settings)
            yield broken(line, error) if error else _record(fields, taken, values)


def read_header(lines: LineReader, settings: CsvSettings) -> tuple[str, ...]:
    """Read the row that names the columns; no names when the file has no row at all.

    Raises:
        BadHeader: When it cannot name them.
    """
    while (line := lines.next()) is not None:
        if line.raw.strip(b"\r\n"):
            fields, _, error = _row(lines, line, settings)
            error = error or _header_error(fields, settings)
            if error:
                text = f"the header cannot be read, so no row can: {error}"
                raise BadHeader(broken(line, text, whole_file=True))
            return tuple(fields)
    return ()


def _header_error(fields: list[str], settings: CsvSettings) -> str:
    if "" in fields:
        return f"column {fields.index('') + 1} has no name"
    if len(set(fields)) != len(fields):
        return "two columns have the same name"
    unknown = sorted(set(settings.types) - set(fields))
    return f"it has no column {unknown[0]!r}, which types names" if unknown else ""


def _row(
    lines: LineReader, first: Line, settings: CsvSettings
) -> tuple[list[str], list[Line], str]:
    """Read the row that starts with a line: its fields, its lines, or why it cannot be read."""
    feed = _Feed(lines, first, settings.encoding)
    try:
        # A fresh reader a row: an error in one leaves nothing behind for the next. The csv
        # module's own bound on one field (131,072 characters) stays as it is.
        fields = next(csv.reader(feed, delimiter=settings.delimiter, strict=True))
    except _Broken as error:
        reason = str(error)
    except csv.Error as error:
        reason = f"not well-formed CSV: {error}"
    else:
        return fields, feed.taken, ""
    lines.give_back(feed.taken[1:])
    return [], feed.taken[:1], reason


def _record(fields: list[str], taken: list[Line], values: RowValues) -> Record:
    value, error = values.read(fields)
    raw = b"".join(line.raw for line in taken[:-1])
    raw = raw + content(taken[-1]) if raw else content(taken[0])
    return Record(
        number=taken[0].number,
        start=taken[0].start,
        end=taken[-1].end,
        last_line=taken[-1].number,
        raw=raw,
        value=raw if error else value,
        error=error or None,
    )
