"""The sink: one transaction a batch, the inbox in it."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from sqlalchemy import Connection

from crossdock.contracts import CrossdockError, Halt, Reject, Retry
from crossdock.mesh.fail_points import reach
from crossdock.mesh.sql.database import Database
from crossdock.mesh.sql.session import Driver
from crossdock.workers.adapter import Delivery, WorkerContext
from crossdock.workers.sql.table import Table, describe
from crossdock.workers.sql_out.rows import Row, Shape, runs
from crossdock.workers.sql_out.settings import SqlOutSettings
from crossdock.workers.sql_out.statements import PRUNED_AT_ONCE, Postgresql, Sqlite, Statements

log = logging.getLogger("crossdock.workers.sql_out")

_PRUNE_EVERY: Final = 600.0  # seconds


class SqlSink:
    """Writes rows into one table; see :class:`crossdock.workers.adapter.Sink`."""

    def __init__(self, settings: SqlOutSettings, context: WorkerContext) -> None:
        """Remember where rows go; does no I/O."""
        self._settings = settings
        self._worker = f"{context.mesh}.{context.worker}"
        self._database = Database(settings.url.reveal(), context.folder, writes=True)
        self._table: Table
        self._shape: Shape
        self._statements: Statements
        self._prune_at = 0.0

    async def open(self) -> None:
        """Connect, look at the table, and create the inbox if it is missing."""
        await self._database.open()
        await self._database.run(self._prepare)
        log.info("table open", extra={"worker": self._worker, "table": self._table.name})

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[CrossdockError | None]:
        """Write a batch; a bad row is refused alone."""
        results: list[CrossdockError | None] = [None] * len(deliveries)
        rows = list(self._shape.rows(deliveries, results))
        await self._deliver(rows, results)
        await self._prune()
        return results

    async def close(self) -> None:
        """Release everything. Safe without ``open`` and twice."""
        await self._database.close()

    async def _deliver(self, rows: list[Row], results: list[CrossdockError | None]) -> None:
        """Write rows as one transaction, or find the bad ones by halving.

        Each half is a transaction of its own and not a savepoint, for a deferred constraint speaks
        only at the commit. What was written before an error is in the inbox.
        """
        if not rows:
            return
        try:
            await self._database.transact(lambda driver: self._write(driver, rows))
        except Reject as refusal:
            if len(rows) == 1:
                results[rows[0].position] = refusal
                return
            middle = len(rows) // 2
            await self._deliver(rows[:middle], results)
            await self._deliver(rows[middle:], results)

    def _write(self, driver: Driver, rows: list[Row]) -> None:
        once: dict[str, Row] = {}
        for row in rows:
            once.setdefault(row.id, row)
        known = self._statements.mark(driver, list(once))
        reach("inbox-marked")
        fresh = (row for row in once.values() if row.id not in known)
        for run in runs(fresh, by_key=self._settings.mode == "upsert"):
            try:
                self._statements.write(driver, self._table, run)
            except OverflowError:  # the driver's or the encoder's: a number beyond 64 bits
                raise Reject("a number has more than 64 bits") from None

    async def _prune(self) -> None:
        if time.monotonic() < self._prune_at:
            return
        keep = float(self._settings.inbox_keep)
        forgotten = 0
        with suppress(Retry):  # another replica is at it
            forgotten = await self._database.transact(
                lambda driver: self._statements.prune(driver, keep)
            )
        if forgotten < PRUNED_AT_ONCE:  # else there is more: with the next batch
            self._prune_at = time.monotonic() + _PRUNE_EVERY

    def _prepare(self, connection: Connection) -> None:
        settings = self._settings
        table = describe(connection, settings.table, settings.schema)
        table.require(settings.key, "key")
        table.require(tuple(settings.columns), "columns")
        if settings.key and frozenset(settings.key) not in table.unique:
            raise Halt(f"settings/key: {', '.join(settings.key)} are not unique in {table.name}")
        dialect = Sqlite if connection.dialect.name == "sqlite" else Postgresql
        self._statements = dialect(connection, settings, self._worker)
        self._statements.create_inbox(connection)
        self._table = table
        self._shape = Shape(table.columns, settings.columns, settings.key)
