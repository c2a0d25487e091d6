"""Settings of ``file-in``."""

from __future__ import annotations

import fnmatch
import os
import re
from typing import Final, Literal

import msgspec

from crossdock.mesh.project.scalars import Duration, Size
from crossdock.workers.adapter import Place

FieldType = Literal["string", "number", "integer", "boolean"]

_LARGEST: Final = 64 * 1024**2


class _Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Frozen, by name, unknown keys refused."""


class CsvSettings(_Settings, frozen=True):
    """How CSV is read (RFC 4180: quotes are doubled, a quoted field may hold line breaks).

    Attributes:
        delimiter: One character between fields.
        encoding: Of the file; a byte order mark of UTF-8 is skipped.
        columns: Names of the columns when the file has no header; else its first row names them.
        types: What a column holds; a column that is not named is a string.
        missing: Values that mean "empty", beside the empty one, for example ``[NA]``.
        empty: What an empty value becomes: ``keep`` the empty string, ``null``, or ``omit`` it.
    """

    delimiter: str = ","
    encoding: Literal["utf-8", "iso-8859-1", "windows-1252"] = "utf-8"
    columns: tuple[str, ...] = ()
    types: dict[str, FieldType] = {}
    missing: frozenset[str] = frozenset()
    empty: Literal["keep", "null", "omit"] | None = "keep"

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        if len(self.delimiter) != 1 or not self.delimiter.isascii() or self.delimiter in '"\r\n\0':
            raise ValueError("delimiter is one ASCII character, neither a quote nor a line break")
        if len(set(self.columns)) != len(self.columns) or "" in self.columns:
            raise ValueError("columns are names that differ from each other")
        unknown = sorted(set(self.types) - set(self.columns))
        if self.columns and unknown:
            raise ValueError(f"types names {unknown[0]!r}, which is not among columns")


class FileInSettings(_Settings, frozen=True):
    """Settings of ``file-in``.

    Attributes:
        folder: Where files arrive; relative to the project folder.
        format: ``json`` one message a file, ``jsonl`` one a line, ``csv`` one a row.
        pattern: Which file names are taken, ``*.csv`` for example; by default the format's own.
        csv: How CSV is read; only with ``format: csv``.
        done: Where a file goes when all in it is safe; relative to ``folder``, same file system.
        failed: Where a file goes that could not be read as a whole; likewise.
        poll: How often the folder is looked at.
        settle: How long size and time of a file must not change before it is taken.
        max_line: Longest line, or row over several lines; a longer one is a broken one.
        max_file: Largest file with ``format: json``; a larger one is a broken one.
    """

    folder: str
    format: Literal["json", "jsonl", "csv"]
    pattern: str = ""
    csv: CsvSettings | None = None
    done: str = "done"
    failed: str = "failed"
    poll: Duration = Duration(1)
    settle: Duration = Duration(0.5)
    max_line: Size = Size(1024**2)
    max_file: Size = Size(1024**2)

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        if self.csv is not None and self.format != "csv":
            raise ValueError("csv is only for format: csv; remove it or change the format")
        if "/" in self.pattern or "\0" in self.pattern:
            raise ValueError("pattern is for names in the folder itself: it holds no /")
        for name in ("max_line", "max_file"):
            if not 0 < getattr(self, name) <= _LARGEST:
                raise ValueError(f"{name} is more than nothing and at most 64MiB")
        for name in ("folder", "done", "failed"):
            if not getattr(self, name) or "\0" in getattr(self, name):
                raise ValueError(f"{name} is a path")

    @property
    def taken(self) -> str:
        """Pattern of the names that are taken."""
        return self.pattern or f"*.{self.format}"

    def places(self) -> tuple[Place, ...]:
        """Return the files that are taken."""
        names = fnmatch.translate(self.taken)
        return (Place("file", f"{re.escape(os.path.normpath(self.folder))}/{names}"),)
