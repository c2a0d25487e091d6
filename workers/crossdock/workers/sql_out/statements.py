"""The statements of `sql-out`, in the two dialects."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final, Protocol

import msgspec
from sqlalchemy import Connection

from crossdock.mesh.sql.session import Driver
from crossdock.workers.sql.table import Table, qualified
from crossdock.workers.sql_out.rows import Row
from crossdock.workers.sql_out.settings import SqlOutSettings

PRUNED_AT_ONCE: Final = 10_000
_PLAIN: Final = frozenset((str, int, float, bool, type(None)))


class Statements(Protocol):
    """What `sql-out` does in a transaction."""

    def create_inbox(self, connection: Connection) -> None:
        """Create the inbox if it is missing."""

    def mark(self, driver: Driver, ids: Sequence[str]) -> set[str]:
        """Put ids into the inbox; return those that were in it already (I4)."""

    def write(self, driver: Driver, table: Table, rows: Sequence[Row]) -> None:
        """Write rows that fill the same columns, in order."""

    def prune(self, driver: Driver, seconds: float) -> int:
        """Forget a bounded number of ids that are older; return how many."""


class _Texts:
    """What both dialects share: the inbox' name and the tail of an upsert."""

    def __init__(self, connection: Connection, settings: SqlOutSettings, worker: str) -> None:
        self.inbox = qualified(connection, settings.inbox, settings.schema)
        self.index = connection.dialect.identifier_preparer.quote(f"{settings.inbox}_time")
        self.settings = settings
        self.worker = worker

    def columns(self, table: Table, row: Row) -> str:
        return ", ".join(table.columns[name] for name in row.layout.columns)

    def conflict(self, table: Table, row: Row) -> str:
        """What an upsert does with a row that is there already."""
        key = self.settings.key
        if not key:
            return ""
        changed = [table.columns[name] for name in row.layout.columns if name not in key]
        sets = ", ".join(f"{name} = excluded.{name}" for name in changed)
        target = ", ".join(table.columns[name] for name in key)
        return f" ON CONFLICT ({target}) DO {f'UPDATE SET {sets}' if sets else 'NOTHING'}"


class Sqlite(_Texts):
    """One driver-level executemany for the rows, one statement over a JSON array for the inbox."""

    def create_inbox(self, connection: Connection) -> None:
        """Create the inbox if it is missing.

        It has no index on time: that would cost as much again for each message, and forgetting
        looks through the whole table seldom.
        """
        connection.exec_driver_sql(
            f"CREATE TABLE IF NOT EXISTS {self.inbox} (worker TEXT NOT NULL, id TEXT NOT NULL, "
            "time INTEGER NOT NULL, PRIMARY KEY (worker, id)) WITHOUT ROWID"
        )

    def mark(self, driver: Driver, ids: Sequence[str]) -> set[str]:
        """Put ids into the inbox; return those that were in it already (I4)."""
        driver.execute("SAVEPOINT inbox")
        if self._insert(driver, ids) == len(ids):  # all are new, as nearly always: no look first
            # While a savepoint is open, SQLite keeps a copy of each page that is changed.
            driver.execute("RELEASE inbox")
            return set()
        driver.execute("ROLLBACK TO inbox")
        # The transaction holds the write lock: no one comes between the two statements.
        found = driver.execute(
            f"SELECT id FROM {self.inbox} "  # noqa: S608 - names are quoted, values are parameters
            "WHERE worker = ? AND id IN (SELECT value FROM json_each(?))",
            (self.worker, _json(ids)),
        )
        known = {row[0] for row in found.fetchall()}
        self._insert(driver, [each for each in ids if each not in known])
        driver.execute("RELEASE inbox")
        return known

    def _insert(self, driver: Driver, ids: Sequence[str]) -> int:
        """Put ids into the inbox that are not in it; return how many."""
        inserted: int = driver.execute(
            f"INSERT INTO {self.inbox} (worker, id, time) SELECT ?, value, ? FROM json_each(?) "  # noqa: S608 - as above
            "WHERE true ON CONFLICT DO NOTHING",
            (self.worker, int(time.time()), _json(ids)),
        ).rowcount
        return inserted

    def write(self, driver: Driver, table: Table, rows: Sequence[Row]) -> None:
        """Write rows that fill the same columns, in order."""
        marks = ", ".join("?" * len(rows[0].layout.columns))
        cells = [row.cells for row in rows]
        if not _PLAIN.issuperset(map(type, chain.from_iterable(cells))):
            cells = [tuple(map(_cell, each)) for each in cells]
        driver.executemany(
            f"INSERT INTO {table.quoted} ({self.columns(table, rows[0])}) VALUES ({marks})"  # noqa: S608 - as above
            f"{self.conflict(table, rows[0])}",
            cells,
        )

    def prune(self, driver: Driver, seconds: float) -> int:
        """Forget a bounded number of ids that are older; return how many."""
        forgotten: int = driver.execute(
            f"DELETE FROM {self.inbox} WHERE (worker, id) IN (SELECT worker, id FROM {self.inbox} "  # noqa: S608 - as above
            f"WHERE time < ? AND worker = ? LIMIT {PRUNED_AT_ONCE})",
            (int(time.time() - seconds), self.worker),
        ).rowcount
        return forgotten


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

    def mark(self, driver: Driver, ids: Sequence[str]) -> set[str]:
        """Put ids into the inbox; return those that were in it already (I4)."""
        found = driver.execute(
            f"INSERT INTO {self.inbox} (worker, id) SELECT %s, id FROM unnest(%s::text[]) AS id "  # noqa: S608 - as above
            # The same order in each replica: two batches with the same ids do not deadlock.
            "ORDER BY id ON CONFLICT DO NOTHING RETURNING id",
            (self.worker, list(ids)),
        )
        new = {row[0] for row in found.fetchall()}
        return set() if len(new) == len(ids) else {each for each in ids if each not in new}

    def write(self, driver: Driver, table: Table, rows: Sequence[Row]) -> None:
        """Write rows that fill the same columns, in order."""
        columns, names = self.columns(table, rows[0]), rows[0].layout.columns
        objects = [dict(zip(names, row.cells, strict=True)) for row in rows]
        driver.execute(
            f"INSERT INTO {table.quoted} ({columns}) SELECT {columns} "  # noqa: S608 - as above
            f"FROM json_populate_recordset(NULL::{table.quoted}, %s::json)"
            f"{self.conflict(table, rows[0])}",
            (_json(objects),),
        )

    def prune(self, driver: Driver, seconds: float) -> int:
        """Forget a bounded number of ids that are older; return how many."""
        forgotten: int = driver.execute(
            f"DELETE FROM {self.inbox} WHERE (worker, id) IN (SELECT worker, id FROM {self.inbox} "  # noqa: S608 - as above
            "WHERE time < now() - make_interval(secs => %s) AND worker = %s "
            f"ORDER BY time LIMIT {PRUNED_AT_ONCE})",
            (seconds, self.worker),
        ).rowcount
        return forgotten


def _cell(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a value as SQLite stores it: a list or an object as JSON text."""
    return value if type(value) in _PLAIN else _json(value)


def _json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    return msgspec.json.encode(value).decode()
