"""Databases for the tests of the SQL adapters: the same calls for SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg


class SqliteFile:
    """A SQLite file, looked at through a connection of the test's own."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "test.db"
        self.url = f"sqlite:///{self.path}"
        sqlite3.connect(self.path).close()
        self.path.touch()

    def run(self, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=10)
        try:
            return list(connection.execute(text, tuple(values)))
        finally:
            connection.close()


class PostgresqlDatabase:
    """A PostgreSQL database, looked at through connections of the test's own."""

    kind = "postgresql"

    def __init__(self, url: str) -> None:
        self.url = url

    def run(self, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(text.replace("?", "%s").encode(), values or None)
            return list(cursor) if cursor.description else []


Database = SqliteFile | PostgresqlDatabase
