"""Where a position is kept so that it outlives the process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import msgspec
from sqlalchemy import Connection

from crossdock.contracts import Disconnected, Halt
from crossdock.mesh.sql.session import Driver
from crossdock.workers.sql.table import qualified
from crossdock.workers.sql_in.position import Position

_Decoder = msgspec.json.Decoder(Position)


class Progress(Protocol):
    """Keeps the position of one worker. Called in the thread of the database."""

    def prepare(self, connection: Connection) -> None:
        """Make the place where it is kept."""

    def load(self, driver: Driver) -> Position:
        """Return what was saved last; the beginning when nothing was."""

    def save(self, driver: Driver, position: Position) -> None:
        """Keep a position; it is durable when this returns."""


class InDatabase:
    """In a table of the database that is read."""

    def __init__(self, table: str, schema: str | None, worker: str) -> None:
        """Remember the table; ``worker`` is the row."""
        self._names = (table, schema)
        self._worker = worker
        self._load = self._save = ""

    def prepare(self, connection: Connection) -> None:
        """Make the table if it is missing."""
        table = qualified(connection, *self._names)
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        connection.exec_driver_sql(
            f"CREATE TABLE IF NOT EXISTS {table} "
            "(worker text NOT NULL PRIMARY KEY, position text NOT NULL)"
        )
        self._load = f"SELECT position FROM {table} WHERE worker = {mark}"  # noqa: S608 - the name is quoted
        self._save = (
            f"INSERT INTO {table} (worker, position) VALUES ({mark}, {mark}) "  # noqa: S608 - same
            "ON CONFLICT (worker) DO UPDATE SET position = excluded.position"
        )

    def load(self, driver: Driver) -> Position:
        """Return what was saved last; the beginning when nothing was."""
        found = driver.execute(self._load, (self._worker,)).fetchone()
        return Position() if found is None else _read(found[0], "the progress table")

    def save(self, driver: Driver, position: Position) -> None:
        """Keep a position; it is durable when this returns."""
        driver.execute(self._save, (self._worker, msgspec.json.encode(position).decode()))


class InFile:
    """In a file of the project folder."""

    def __init__(self, folder: Path, worker: str) -> None:
        """Remember the file."""
        self._file = folder / ".crossdock" / "progress" / f"{worker}.json"

    def prepare(self, connection: Connection) -> None:  # noqa: ARG002 - the port's; a file needs none
        """Make the folder."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Halt(f"{self._file.parent}: {error.strerror}; progress is kept there") from error

    def load(self, driver: Driver) -> Position:  # noqa: ARG002 - same
        """Return what was saved last; the beginning when nothing was."""
        try:
            return _read(self._file.read_bytes(), str(self._file))
        except FileNotFoundError:
            return Position()

    def save(self, driver: Driver, position: Position) -> None:  # noqa: ARG002 - same
        """Keep a position; it is durable when this returns: file and folder are synced."""
        new = self._file.with_suffix(".new")
        try:
            with new.open("wb") as stream:
                stream.write(msgspec.json.encode(position))
                stream.flush()
                os.fsync(stream.fileno())
            new.replace(self._file)
            folder = os.open(self._file.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise Disconnected(f"{self._file}: {error.strerror}") from error


def _read(data: str | bytes, where: str) -> Position:
    try:
        return _Decoder.decode(data)
    except msgspec.DecodeError as error:
        raise Halt(f"{where} holds no position that can be read: repair or remove it") from error
