"""From the strings of a CSV row to the values of its columns."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from crossdock.workers.file_in.settings import CsvSettings, FieldType

_INTEGER: Final = re.compile(r"[+-]?\d{1,18}\Z", re.ASCII)  # fits 64 bits
_NUMBER: Final = re.compile(
    r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,4})?\Z", re.ASCII
)
_BOOLEANS: Final = {"true": True, "false": False, "1": True, "0": False}
_ARTICLE: Final = {"integer": "an integer", "number": "a number", "boolean": "true or false"}


class RowValues:
    """Reads the rows of one file, whose columns are known."""

    def __init__(self, columns: Sequence[str], settings: CsvSettings) -> None:
        """Prepare one reader a column.

        Args:
            columns: Names, in the order of the fields.
            settings: Types, and what is empty.
        """
        self._columns = [(name, settings.types.get(name, "string")) for name in columns]
        self._empty = settings.missing | {""}
        self._omit = settings.empty == "omit"
        self._keep = settings.empty == "keep"

    def read(self, fields: Sequence[str]) -> tuple[dict[str, Any], str]:
        """Return the row's value, or why it has none: naming columns, never what is in them."""
        if len(fields) != len(self._columns):
            return {}, f"the row has {len(fields)} fields, the columns are {len(self._columns)}"
        value: dict[str, Any] = {}
        for (name, kind), text in zip(self._columns, fields, strict=True):
            if text in self._empty:
                if self._keep and kind != "string":
                    return {}, f"column {name[:80]!r} is empty, not {_ARTICLE[kind]}"
                if not self._omit:
                    value[name] = "" if self._keep else None
            elif (converted := _CONVERT[kind](text)) is None:
                return {}, f"column {name[:80]!r} is not {_ARTICLE[kind]}"
            else:
                value[name] = converted
        return value, ""


def _integer(text: str) -> int | None:
    return int(text) if _INTEGER.match(text) else None


def _number(text: str) -> float | int | None:
    if _INTEGER.match(text):
        return int(text)
    value = float(text) if _NUMBER.match(text) else math.nan
    return value if math.isfinite(value) else None


def _boolean(text: str) -> bool | None:
    return _BOOLEANS.get(text.lower())


_CONVERT: Final[dict[FieldType, Callable[[str], Any]]] = {
    "string": str,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}
