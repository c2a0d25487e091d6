"""Settings of `sql-in`."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from crossdock.mesh.project.scalars import Duration, SecretUrl
from crossdock.workers.adapter import Place

_MOST_OVERLAP = 10_000


class SqlInSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rows are received, and how.

    Attributes:
        url: ``${env:NAME}`` or ``${file:PATH}`` of a SQLAlchemy URL of SQLite or PostgreSQL, or
            ``sqlite:///PATH``; a relative path starts at the project folder.
        table: The table or view.
        schema: Its schema; the connection's own when not given.
        key: A column that grows with each new row: a number or a time. Rows without it are not
            seen, and changed rows only when it grows with each change.
        tie: A unique column that orders rows of the same key; without it the key is unique.
        columns: Columns to take; all when not given.
        poll: How long to wait when there was nothing.
        overlap: How many of the last rows are read again in any case, for rows whose key was taken
            long before they were written; 0 when there are none.
        decimals: Decimal numbers as JSON ``number`` (15 digits are exact) or as ``string``.
        progress: Where progress is kept: a table in the same ``database``, or a ``file`` in
            ``.crossdock/`` of the project.
        progress_table: Name of that table; created when it is missing.
    """

    url: SecretUrl
    table: str
    key: str
    schema: str | None = None
    tie: str | None = None
    columns: tuple[str, ...] = ()
    poll: Duration = Duration(1)
    overlap: int = 1000
    decimals: Literal["number", "string"] = "number"
    progress: Literal["database", "file"] = "database"
    progress_table: str = "crossdock_progress"

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        if not 0 <= self.overlap <= _MOST_OVERLAP:
            raise ValueError(f"overlap is a number of rows from 0 to {_MOST_OVERLAP}")
        if self.tie == self.key:
            raise ValueError("tie is another column than key; leave it out when key is unique")
        if self.table == self.progress_table:
            raise ValueError("table and progress_table must not be the same table")

    def places(self) -> tuple[Place, ...]:
        """Return the table."""
        return (Place(self.url.reveal(), re.escape(f"{self.schema or ''}.{self.table}")),)
