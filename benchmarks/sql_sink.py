"""How fast `sql-out` is, beside a bare executemany of the same rows into the same database.

Run ``python benchmarks/sql_sink.py``. Both write batches of 500 rows and commit each; `sql-out`
also maps values to columns and keeps its inbox in the same transaction. The runs are interleaved,
each into an empty table; what is printed is the median.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from crossdock.contracts import child_id, near_id, new_id
from crossdock.mesh.project.scalars import SecretUrl
from crossdock.workers.adapter import Delivery, WorkerContext
from crossdock.workers.sql_out.settings import SqlOutSettings
from crossdock.workers.sql_out.sink import SqlSink

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from peers.postgresql import PostgreSQL

BATCH, BATCHES, ROUNDS = 500, 40, 7
TABLE = (
    "CREATE TABLE readings (meter text NOT NULL, at text NOT NULL, kwh double precision NOT NULL, "
    "place text, quality integer, PRIMARY KEY (meter, at))"
)
INSERT = "INSERT INTO readings (meter, at, kwh, place, quality) VALUES (?, ?, ?, ?, ?)"

Row = dict[str, Any]


def values() -> list[Row]:
    """Return the rows of one run."""
    return [
        {
            "meter": f"meter-{number % 997:04}",
            "at": f"2026-01-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z",
            "kwh": number * 0.125,
            "place": "Kærgade 12, 2. sal",
            "quality": number % 4,
        }
        for number in range(BATCH * BATCHES)
    ]


def bare(connection: Any, insert: str) -> None:  # noqa: ANN401 - either driver's connection
    """Write every row with the driver's own executemany, a commit a batch."""
    rows = [tuple(row.values()) for row in values()]
    begin = time.perf_counter()
    cursor = connection.cursor()
    for start in range(0, len(rows), BATCH):
        cursor.executemany(insert, rows[start : start + BATCH])
        connection.commit()
    report("bare", time.perf_counter() - begin)


def message_id() -> str:
    """Return an id as a sink gets it: of what a route made of a message from the gateway."""
    made = child_id("/bench/gateway", new_id(), "readings", "series")
    return near_id(made, "/bench/router/readings", made)


async def through_sink(url: str, folder: Path) -> None:
    """Write every row through the sink."""
    settings = SqlOutSettings(url=SecretUrl(url), table="readings")
    sink = SqlSink(settings, WorkerContext(mesh="bench", worker="readings", folder=folder))
    deliveries = [
        Delivery(id=message_id(), value=row, type="meter.reading.taken") for row in values()
    ]
    await sink.open()
    begin = time.perf_counter()
    for start in range(0, len(deliveries), BATCH):
        results = await sink.deliver(deliveries[start : start + BATCH])
        assert not any(results)  # noqa: S101 - a benchmark of refusals would mislead
    report("sink", time.perf_counter() - begin)
    await sink.close()


figures: dict[str, list[float]] = {}


def report(what: str, seconds: float) -> None:
    """Keep one figure, in rows per second."""
    figures.setdefault(what, []).append(BATCH * BATCHES / seconds)


async def compare(name: str, round_: Callable[[int], Awaitable[None]]) -> None:
    """Run the rounds and print the ratio of the medians."""
    figures.clear()
    for number in range(ROUNDS):
        await round_(number)
    sink, plain = statistics.median(figures["sink"]), statistics.median(figures["bare"])
    print(
        f"{name}: sql-out {sink:,.0f} rows/s, bare executemany {plain:,.0f} rows/s, "
        f"ratio {sink / plain:.2f}"
    )


async def sqlite(folder: Path) -> None:
    """Compare on SQLite: WAL, synchronous=FULL for both."""

    async def round_(number: int) -> None:
        for kind in ("bare", "sink"):
            path = folder / f"{kind}-{number}.db"
            connection = sqlite3.connect(path)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(TABLE)
            if kind == "bare":
                bare(connection, INSERT)
            connection.close()
            if kind == "sink":
                await through_sink(f"sqlite:///{path}", folder)

    await compare("SQLite", round_)


async def postgresql(folder: Path) -> None:
    """Compare on PostgreSQL with its own defaults."""
    server = PostgreSQL(folder)
    server.start()

    async def round_(_number: int) -> None:
        for kind in ("bare", "sink"):
            url = server.database()
            with psycopg.connect(url) as connection:
                connection.execute(TABLE)
                connection.commit()
                if kind == "bare":
                    bare(connection, INSERT.replace("?", "%s"))
            if kind == "sink":
                await through_sink(url, folder)

    try:
        await compare("PostgreSQL", round_)
    finally:
        server.kill()


def main() -> None:
    """Run both comparisons."""
    with TemporaryDirectory(prefix="crossdock-bench-") as folder:
        asyncio.run(sqlite(Path(folder)))
    with TemporaryDirectory(prefix="crossdock-bench-") as folder:
        asyncio.run(postgresql(Path(folder)))


if __name__ == "__main__":
    main()
