"""Settings of `sql-out`."""

from __future__ import annotations

from typing import Literal

import msgspec

from crossdock.mesh.project.scalars import Duration, SecretUrl
from crossdock.workers.adapter import Place


class SqlOutSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where rows go, and how.

    Attributes:
        url: ``sqlite:///PATH`` (relative to the project folder) or
            ``postgresql://USER:PASSWORD@HOST:PORT/DATABASE``.
        table: The table; it must be there.
        schema: Its schema; the connection's own when not given.
        mode: ``insert`` a row for each message, or ``upsert`` it by ``key``.
        key: Columns that identify a row for ``upsert``; they must be unique together.
        columns: Column and the field of the value that fills it; when not given, each field fills
            the column of its name.
        inbox: Table that remembers what was delivered; created when it is missing.
        inbox_keep: How long it remembers.
    """

    url: SecretUrl
    table: str
    schema: str | None = None
    mode: Literal["insert", "upsert"] = "insert"
    key: tuple[str, ...] = ()
    columns: dict[str, str] = {}
    inbox: str = "crossdock_inbox"
    inbox_keep: Duration = Duration(30 * 86400)

    def __post_init__(self) -> None:
        """Refuse what makes no sense together."""
        if (self.mode == "upsert") != bool(self.key):
            raise ValueError("mode upsert needs key, and mode insert has none")
        if self.table == self.inbox:
            raise ValueError("table and inbox must not be the same table")

    def places(self) -> tuple[Place, ...]:
        """Return the table."""
        return (Place(self.url.reveal(), f"{self.schema or ''}.{self.table}"),)
