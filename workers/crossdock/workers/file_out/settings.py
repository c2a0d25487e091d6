"""Settings of ``file-out``."""

from __future__ import annotations

import os
from typing import Final, Literal

import msgspec

from crossdock.mesh.project.scalars import Duration, Size
from crossdock.workers.adapter import Place

_MOST_IDS: Final = 100_000_000


class FileOutSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of ``file-out``.

    Attributes:
        path: The file that is appended to; with ``format: json`` the folder of files. Relative to
            the project folder.
        format: ``jsonl`` one line a message, ``csv`` one row, ``json`` one file.
        columns: Columns of the CSV file, in order; only with ``format: csv``.
        delimiter: One character between CSV fields.
        formulas: What becomes of CSV text that a spreadsheet would run as a formula: ``escape``
            puts a ``'`` before it, ``keep`` writes it as it is.
        rotate: Size at which the file is put aside as ``name.000001.csv`` and a new one begins.
        remember: How many delivered ids are remembered at most.
        remember_for: How long they are remembered at most.
    """

    path: str
    format: Literal["jsonl", "csv", "json"]
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    formulas: Literal["escape", "keep"] = "escape"
    rotate: Size | None = None
    remember: int = 1_000_000
    remember_for: Duration = Duration(30 * 86400)

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        if not self.path or "\0" in self.path:
            raise ValueError("path is a path")
        if (self.format == "csv") != bool(self.columns):
            raise ValueError("columns are needed with format: csv, and only there")
        if len(set(self.columns)) != len(self.columns):
            raise ValueError("columns are names that differ from each other")
        if len(self.delimiter) != 1 or not self.delimiter.isascii() or self.delimiter in '"\r\n\0':
            raise ValueError("delimiter is one ASCII character, neither a quote nor a line break")
        if self.rotate is not None and (self.format == "json" or self.rotate < 1):
            raise ValueError("rotate is a size, and only for jsonl and csv")
        if not 1 <= self.remember <= _MOST_IDS:
            raise ValueError(f"remember is from 1 to {_MOST_IDS}")

    def places(self) -> tuple[Place, ...]:
        """Return the file, or one as it will be in the folder."""
        path = os.path.normpath(self.path)
        return (Place("file", f"{path}/1.json" if self.format == "json" else path),)
