"""The statements of `sql-out`, in the two dialects."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
from sqlalchemy import Connection

from crossdock.workers.sql.table import Table, qualified
from crossdock.workers.sql_out.rows import Row
from crossdock.workers.sql_out.settings import SqlOutSettings

_PRUNED_AT_ONCE = 10_000
_PLAIN = (str, int, float, bool, type(None))


class Statements(Protocol):
    """What `sql-out` does in a transaction."""

    def create_inbox(self, connection: Connection) -> None:
        """Create the inbox if it is missing."""

    def mark(self, connection: Connection, ids: Sequence[str]) -> set[str]:
        """Put ids into the inbox; return those that were not in it (I4)."""

    def write(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """Write rows that fill the same columns, in order."""

    def prune(self, connection: Connection, seconds: float) -> None:
        """Forget a bounded number of ids that are older."""


class _Texts:
    """What both dialects share: the inbox' name and the tail of an upsert."""

    def __init__(self, connection: Connection, settings: SqlOutSettings, worker: str) -> None:
        self.inbox = qualified(connection, settings.inbox, settings.schema)
        self.index = connection.dialect.identifier_preparer.quote(f"{settings.inbox}_time")
        self.settings = settings
        self.worker = worker

    def columns(self, table: Table, row: Row) -> str:
        return ", ".join(table.columns[name] for name in row)

    def conflict(self, table: Table, row: Row) -> str:
        """What an upsert does with a row that is there already."""
        key = self.settings.key
        if not key:
            return ""
        changed = [table.columns[name] for name in row if name not in key]
        sets = ", ".join(f"{name} = excluded.{name}" for name in changed)
        target = ", ".join(table.columns[name] for name in key)
        return f" ON CONFLICT ({target}) DO {f'UPDATE SET {sets}' if sets else 'NOTHING'}"


class Sqlite(_Texts):
    """One driver-level executemany for the rows, one statement over a JSON array for the inbox."""

    def create_inbox(self, connection: Connection) -> None:
        """Create the inbox if it is missing."""
        connection.exec_driver_sql(
            f"CREATE TABLE IF NOT EXISTS {self.inbox} (worker TEXT NOT NULL, id TEXT NOT NULL, "
            "time INTEGER NOT NULL, PRIMARY KEY (worker, id)) WITHOUT ROWID"
        )
        schema = self.settings.schema
        quote = connection.dialect.identifier_preparer.quote
        prefix, table = (f"{quote(schema)}." if schema else ""), quote(self.settings.inbox)
        connection.exec_driver_sql(
            f"CREATE INDEX IF NOT EXISTS {prefix}{self.index} ON {table} (time)"
        )

    def mark(self, connection: Connection, ids: Sequence[str]) -> set[str]:
        """Put ids into the inbox; return those that were not in it (I4)."""
        found = connection.exec_driver_sql(
            f"INSERT INTO {self.inbox} (worker, id, time) SELECT ?, value, ? FROM json_each(?) "  # noqa: S608 - names are quoted, values are parameters
            "WHERE true ON CONFLICT DO NOTHING RETURNING id",
            (self.worker, int(time.time()), msgspec.json.encode(ids).decode()),
        )
        return set(found.scalars())

    def write(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """Write rows that fill the same columns, in order."""
        names = tuple(rows[0])
        marks = ", ".join("?" * len(names))
        connection.exec_driver_sql(
            f"INSERT INTO {table.quoted} ({self.columns(table, rows[0])}) VALUES ({marks})"  # noqa: S608 - as above
            f"{self.conflict(table, rows[0])}",
            [tuple(_cell(row[name]) for name in names) for row in rows],
        )

    def prune(self, connection: Connection, seconds: float) -> None:
        """Forget a bounded number of ids that are older."""
        connection.exec_driver_sql(
            f"DELETE FROM {self.inbox} WHERE (worker, id) IN (SELECT worker, id FROM {self.inbox} "  # noqa: S608 - as above
            f"WHERE time < ? AND worker = ? ORDER BY time LIMIT {_PRUNED_AT_ONCE})",
            (int(time.time() - seconds), self.worker),
        )


class Postgresql(_Texts):
    """One statement for the inbox and one for the rows, whatever their number.

    The rows travel as one JSON array, and the server itself makes each column's type of it: so a
    number keeps all its digits, and a text becomes a time, a uuid or whatever the column is.
    """

    def create_inbox(self, connection: Connection) -> None:
        """Create the inbox if it is missing."""
        # Two replicas that create it at once would collide in the catalogue.
        connection.exec_driver_sql(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (self.inbox,)
        )
        if connection.exec_driver_sql("SELECT to_regclass(%s)", (self.inbox,)).scalar():
            return  # a user who may only write rows needs no right to create tables
        connection.exec_driver_sql(
            f"CREATE TABLE {self.inbox} (worker text NOT NULL, id text NOT NULL, "
            "time timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (worker, id))"
        )
        connection.exec_driver_sql(f"CREATE INDEX {self.index} ON {self.inbox} (time)")

    def mark(self, connection: Connection, ids: Sequence[str]) -> set[str]:
        """Put ids into the inbox; return those that were not in it (I4)."""
        found = connection.exec_driver_sql(
            f"INSERT INTO {self.inbox} (worker, id) SELECT %s, id FROM unnest(%s::text[]) AS id "  # noqa: S608 - as above
            # The same order in each replica: two batches with the same ids do not deadlock.
            "ORDER BY id ON CONFLICT DO NOTHING RETURNING id",
            (self.worker, list(ids)),
        )
        return set(found.scalars())

    def write(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """Write rows that fill the same columns, in order."""
        columns = self.columns(table, rows[0])
        connection.exec_driver_sql(
            f"INSERT INTO {table.quoted} ({columns}) SELECT {columns} "  # noqa: S608 - as above
            f"FROM json_populate_recordset(NULL::{table.quoted}, %s::json)"
            f"{self.conflict(table, rows[0])}",
            (msgspec.json.encode(rows).decode(),),
        )

    def prune(self, connection: Connection, seconds: float) -> None:
        """Forget a bounded number of ids that are older."""
        connection.exec_driver_sql(
            f"DELETE FROM {self.inbox} WHERE (worker, id) IN (SELECT worker, id FROM {self.inbox} "  # noqa: S608 - as above
            "WHERE time < now() - make_interval(secs => %s) AND worker = %s "
            f"ORDER BY time LIMIT {_PRUNED_AT_ONCE} FOR UPDATE SKIP LOCKED)",
            (seconds, self.worker),
        )


def _cell(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a value as SQLite stores it: a list or an object as JSON text."""
    return value if isinstance(value, _PLAIN) else msgspec.json.encode(value).decode()
