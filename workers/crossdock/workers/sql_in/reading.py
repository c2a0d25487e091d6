"""What is read of a table, and what becomes of each row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from crossdock.contracts import Halt, keyed_id, numbered_id
from crossdock.mesh.sql.session import Driver
from crossdock.mesh.sql.texts import prepare_texts
from crossdock.mesh.sql.values import json_value
from crossdock.workers.adapter import Received
from crossdock.workers.sql.table import describe
from crossdock.workers.sql_in.horizon import Snapshot
from crossdock.workers.sql_in.position import Place
from crossdock.workers.sql_in.settings import SqlInSettings

_SHOWN = 80  # characters of a key


class Reading:
    """The statement that reads rows above a place, and how a row becomes a message."""

    def __init__(self, settings: SqlInSettings, worker: str) -> None:
        """Remember the settings."""
        self._settings = settings
        self._worker = worker
        self._order = tuple(name for name in (settings.key, settings.tie) if name)
        self._columns: tuple[str, ...] = ()
        self._statement = ("", "")

    def prepare(self, connection: Connection) -> None:
        """Look at the table.

        Raises:
            Halt: When the table or a column is not there.
        """
        settings = self._settings
        table = describe(connection, settings.table, settings.schema)
        table.require((settings.key,), "key")
        table.require((settings.tie,) if settings.tie else (), "tie")
        table.require(settings.columns, "columns")
        self._columns = settings.columns or tuple(table.columns)
        order = ", ".join(table.columns[name] for name in self._order)
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        marks = ", ".join([mark] * len(self._order))
        taken = ", ".join(table.columns[name] for name in (*self._columns, *self._order))
        first = f"SELECT {taken} FROM {table.quoted} WHERE "  # noqa: S608 - names are quoted
        last = f" ORDER BY {order} LIMIT {mark}"
        known = " AND ".join(f"{table.columns[name]} IS NOT NULL" for name in self._order)
        self._statement = (f"{first}{known}{last}", f"{first}({order}) > ({marks}){last}")
        prepare_texts(connection)

    def rows(self, driver: Driver, low: Place | None, limit: int) -> list[tuple[Any, ...]]:
        """Return the rows above a place, in order."""
        text = self._statement[low is not None]
        found: list[tuple[Any, ...]] = driver.execute(text, (*(low or ()), limit)).fetchall()
        return found

    def place(self, row: Sequence[Any]) -> Place:
        """Return key and tie of a row.

        Raises:
            Halt: When they cannot be kept.
        """
        try:
            return tuple(json_value(each, decimal_text=True) for each in row[-len(self._order) :])
        except ValueError as error:
            raise Halt(f"settings/key: a key of {self._settings.table} {error}") from error

    def _id(self, table: str, place: Place, texts: list[str]) -> str:
        if isinstance(place[-1], int):
            return numbered_id(f"{self._worker} {table}", place[-1], *texts)
        return keyed_id(self._worker, table, *texts)

    def received(self, row: Sequence[Any], place: Place) -> Received:
        """Return what a row is as a message."""
        settings = self._settings
        value: dict[str, Any] = {}
        error = None
        for name, cell in zip(self._columns, row, strict=False):  # the place comes after them
            try:
                value[name] = json_value(cell, decimal_text=settings.decimals == "string")
            except ValueError as refusal:
                value[name], error = None, error or f"column {name} {refusal}"
        raw = msgspec.json.encode(value)
        table = f"{settings.schema}.{settings.table}" if settings.schema else settings.table
        texts = [str(each) for each in place]
        return Received(
            value=raw if error else value,
            raw=raw,
            id=self._id(table, place, texts),
            place=f"{table}:{'/'.join(texts)[:_SHOWN]}",
            error=error,
            token=place,
        )


def snapshot_of(driver: Driver) -> Snapshot:
    """Return which transactions have ended, on PostgreSQL."""
    text = (
        "SELECT pg_snapshot_xmin(seen)::text, pg_snapshot_xmax(seen)::text "
        "FROM pg_current_snapshot() AS seen"
    )
    low, high = driver.execute(text).fetchone()
    return Snapshot(int(low), int(high))
