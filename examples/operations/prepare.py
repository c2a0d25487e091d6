"""Makes what the other systems would have: their tables and their folders. Safe to run again."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

FOLDERS: Final = ("data/hr", "data/access", "data/training", "data/alerts")

# No table of invoices has a unique key: an order that were billed twice would be seen.
_INVOICES: Final = (
    'CREATE TABLE IF NOT EXISTS {} ("order" TEXT NOT NULL, payer TEXT NOT NULL, '
    "country TEXT NOT NULL, amount REAL NOT NULL)"
)
_READINGS: Final = (
    "CREATE TABLE IF NOT EXISTS readings (meter TEXT NOT NULL, at TEXT NOT NULL, "
    "kwh REAL NOT NULL, watt REAL NOT NULL, PRIMARY KEY (meter, at))"
)
TABLES: Final = {
    "data/billing.db": (_INVOICES.format("invoices_eu"), _INVOICES.format("invoices_world")),
    "data/energy.db": (_READINGS,),
}


def prepare(project: Path) -> None:
    """Make the folders and tables in a project folder that are not there yet."""
    for folder in FOLDERS:
        (project / folder).mkdir(parents=True, exist_ok=True)
    for file, statements in TABLES.items():
        with closing(sqlite3.connect(project / file)) as database, database:
            for statement in statements:
                database.execute(statement)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
