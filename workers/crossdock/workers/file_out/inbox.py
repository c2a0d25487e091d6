"""The inbox beside the data: which messages are delivered, and up to where the file is true.

Both change in one transaction, after the data are on disk (I4): after a crash the file is cut
back to where the inbox says, and whatever is then not in the inbox comes again.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from crossdock.contracts import Disconnected, Halt

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS delivered (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS position (
    one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, aside INTEGER NOT NULL);
"""


class Position(msgspec.Struct, frozen=True):
    """How far the data are true.

    Attributes:
        size: Bytes of the file that belong to delivered messages.
        aside: How many files were put aside so far.
    """

    size: int = 0
    aside: int = 0


class Inbox:
    """One SQLite file, used by one thread of one process, which holds the lock of the data."""

    def __init__(self, path: Path, *, most: int, longest: float) -> None:
        """Open or create it.

        Args:
            path: The SQLite file.
            most: How many ids are remembered.
            longest: How many seconds they are.

        Raises:
            Halt: When the file is not an inbox, or damaged.
            Disconnected: When it cannot be opened now.
        """
        self._path = path
        self._most = most
        self._longest = longest
        try:
            self._connection = sqlite3.connect(path, isolation_level=None)
            # The lock of the data makes us the only user: then the log needs no shared memory,
            # and works on file systems without it. FULL syncs the log at each commit.
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise self._instruction(error) from error

    def position(self) -> Position | None:
        """Return how far the data are true; None when nothing was ever committed."""
        row = self._connection.execute("SELECT size, aside FROM position").fetchone()
        return None if row is None else Position(*row)

    def known(self, ids: Sequence[str]) -> set[str]:
        """Return which of the ids are delivered."""
        # json_each keeps it one statement for any number of ids.
        query = "SELECT id FROM delivered WHERE id IN (SELECT value FROM json_each(?))"
        try:
            rows = self._connection.execute(query, (msgspec.json.encode(ids).decode(),))
            return {row[0] for row in rows}
        except sqlite3.Error as error:
            raise self._instruction(error) from error

    def commit(self, ids: Sequence[str], position: Position) -> None:
        """Remember durably that messages are delivered and how far the data are true now."""
        now = time.time()
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT OR IGNORE INTO delivered (id, at) VALUES (?, ?)", ((i, now) for i in ids)
            )
            connection.execute(
                "INSERT OR REPLACE INTO position VALUES (1, ?, ?)", (position.size, position.aside)
            )
            self._forget(now, len(ids))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise self._instruction(error) from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _forget(self, now: float, added: int) -> None:
        """Remove the oldest ids beyond what is remembered (I8), a few more than were added."""
        self._connection.execute(
            "DELETE FROM delivered WHERE number IN (SELECT number FROM"
            " (SELECT number, at FROM delivered ORDER BY number LIMIT ?)"
            " WHERE at < ? OR number <= (SELECT max(number) FROM delivered) - ?)",
            (added * 2 + 10, now - self._longest, self._most),
        )

    def _instruction(self, error: sqlite3.Error) -> Halt | Disconnected:
        if isinstance(error, sqlite3.OperationalError):  # locked, full, cannot be opened
            return Disconnected(f"{self._path}: {error.sqlite_errorname}")
        return Halt(
            f"{self._path} is damaged or no inbox: restore it, or move it away to begin a new one"
            " (what was delivered is then forgotten)"
        )
