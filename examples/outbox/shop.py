"""A shop that stores orders, and in the same transaction the news of them: a transactional outbox.

    python shop.py                                    # 10 orders into shop.db beside this file
    python shop.py --orders 100 postgresql://…        # or into a PostgreSQL database

It knows nothing of a mesh. Every fourth order is rolled back: no news of it may be told.
"""

from __future__ import annotations

import argparse
import sqlite3
import time
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

ORDERS = (
    "CREATE TABLE IF NOT EXISTS orders "
    "(id text PRIMARY KEY, customer text NOT NULL, total integer NOT NULL)"
)
OUTBOX = (
    "CREATE TABLE IF NOT EXISTS outbox (id {key}, event text NOT NULL UNIQUE, "
    "order_id text NOT NULL, customer text NOT NULL, total integer NOT NULL)"
)
KEYS = {
    "sqlite": "integer PRIMARY KEY AUTOINCREMENT",
    "postgresql": "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
}


class Shop:
    """Stores orders in one database."""

    def __init__(self, url: str) -> None:
        """Connect, and make the tables."""
        self._postgresql = url.startswith("postgresql:")
        self._connection: Any = None
        if self._postgresql:
            import psycopg  # noqa: PLC0415 - not needed with SQLite

            self._connection = psycopg.connect(url)
        else:
            self._connection = sqlite3.connect(url, isolation_level=None, timeout=30)
            self._connection.execute("PRAGMA journal_mode=WAL")
        kind = "postgresql" if self._postgresql else "sqlite"
        with self._transaction():
            if self._postgresql:  # two shops may start at once
                self._run("SELECT pg_advisory_xact_lock(1)")
            self._run(ORDERS)
            self._run(OUTBOX.format(key=KEYS[kind]))

    def place(self, customer: str, total: int, *, pays: bool, thinks: float = 0.0) -> None:
        """Store an order and the news of it; neither when the customer does not pay."""
        order = uuid4().hex
        with self._transaction() as transaction:
            self._run(
                "INSERT INTO outbox (event, order_id, customer, total) VALUES (?, ?, ?, ?)",
                (uuid4().hex, order, customer, total),
            )
            time.sleep(thinks)  # the row has its number, and others may commit before it
            self._run("INSERT INTO orders VALUES (?, ?, ?)", (order, customer, total))
            if not pays:
                transaction.give_up()

    def _transaction(self) -> _Transaction:
        return _Transaction(self._connection)

    def _run(self, text: str, values: tuple[object, ...] = ()) -> None:
        mark = "%s" if self._postgresql else "?"
        self._connection.execute(text.replace("?", mark), values)


class _Transaction:
    """All or nothing, with either driver."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - of the driver
        self._connection = connection
        self._holds = True

    def __enter__(self) -> Self:
        if isinstance(self._connection, sqlite3.Connection):
            self._connection.execute("BEGIN IMMEDIATE")
        return self

    def give_up(self) -> None:
        """Let none of it hold."""
        self._holds = False

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is None and self._holds:
            self._connection.commit()
        else:
            self._connection.rollback()


def main() -> None:
    """Place some orders."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("url", nargs="?", default=str(Path(__file__).with_name("shop.db")))
    parser.add_argument("--orders", type=int, default=10)
    parser.add_argument("--thinks", type=float, default=0.0, help="seconds in each transaction")
    arguments = parser.parse_args()
    shop = Shop(arguments.url)
    for number in range(1, arguments.orders + 1):
        shop.place("Ada", number, pays=number % 4 != 0, thinks=arguments.thinks)


if __name__ == "__main__":
    main()
