"""From a value to the bytes of one line: JSON, or a row of CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from crossdock.contracts import Reject
from crossdock.workers.file_out.settings import FileOutSettings

Encode = Callable[[Any], bytes]

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet runs when it opens the file


def encoder(settings: FileOutSettings) -> Encode:
    """Return what makes the bytes of one message, with its line end."""
    return _csv_row(settings) if settings.format == "csv" else json_line


def header(settings: FileOutSettings) -> bytes:
    """Return what a new file begins with."""
    return _line(settings.columns, settings.delimiter) if settings.format == "csv" else b""


def json_line(value: Any) -> bytes:  # noqa: ANN401 - a JSON value
    """Encode a value as one line of JSON.

    Raises:
        Reject: When it is not a JSON value.
    """
    try:
        return msgspec.json.encode(value) + b"\n"
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise Reject("the value cannot be written as JSON") from error


def _csv_row(settings: FileOutSettings) -> Encode:
    columns = settings.columns
    escape = settings.formulas == "escape"

    def encode(value: Any) -> bytes:  # noqa: ANN401 - a JSON value
        if not isinstance(value, dict):
            raise Reject("the value is not an object, so it has no columns: add a map")
        fields = [_field(value.get(name), name, escape=escape) for name in columns]
        return _line(fields, settings.delimiter)

    return encode


def _field(value: Any, column: str, *, escape: bool) -> str:  # noqa: ANN401 - a JSON value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)  # a negative number is one, not a formula
    if not isinstance(value, str):
        raise Reject(f"column {column!r} is neither text, number, true, false nor null: add a map")
    return f"'{value}" if escape and value.startswith(_FORMULA) else value


def _line(fields: Sequence[str], delimiter: str) -> bytes:
    text = io.StringIO()
    # The writer quotes only those line breaks that are in its terminator: with CR LF it quotes
    # both, and a lone CR in a field cannot break the row. The file itself has LF.
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerow(fields)
    try:
        return text.getvalue().removesuffix("\r\n").encode() + b"\n"
    except UnicodeEncodeError as error:
        raise Reject("the value holds text that is not valid Unicode") from error
