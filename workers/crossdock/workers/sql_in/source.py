"""The source: rows above what is done, with ids that stay the same."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from crossdock.contracts import Halt, Reject
from crossdock.mesh.sql.database import Database
from crossdock.mesh.sql.session import Driver
from crossdock.workers.adapter import Received, WorkerContext
from crossdock.workers.sql_in.horizon import Horizon, Snapshot
from crossdock.workers.sql_in.position import Place, Position
from crossdock.workers.sql_in.progress import InDatabase, InFile, Progress
from crossdock.workers.sql_in.reading import Reading, snapshot_of
from crossdock.workers.sql_in.settings import SqlInSettings

log = logging.getLogger("crossdock.workers.sql_in")

MOST_KEPT: Final = 20_000
"""Rows that are read again while transactions are open; then no more are received (I8)."""
_LONGEST_WAIT: Final = 1.0  # seconds in one receive


class _Fetched(msgspec.Struct, frozen=True):
    position: Position
    snapshot: Snapshot | None
    rows: list[tuple[Any, ...]]
    whole: bool


class SqlSource:
    """Receives the rows of one table; see :class:`crossdock.workers.adapter.Source`."""

    def __init__(self, settings: SqlInSettings, context: WorkerContext) -> None:
        """Remember which rows; does no I/O."""
        self._settings = settings
        self._batch = context.batch
        self._worker = f"{context.mesh}.{context.worker}"
        self._database = Database(settings.url.reveal(), context.folder, writes=False)
        self._reading = Reading(settings, self._worker)
        self._progress: Progress = (
            InDatabase(settings.progress_table, settings.schema, self._worker)
            if settings.progress == "database"
            else InFile(context.folder, self._worker)
        )
        self._is_postgresql = False
        self._horizon = Horizon()
        self._told = False  # that it waits for a transaction
        self._position: Position | None = None  # known once it is this replica's turn
        self._pending: set[Place] = set()  # handed out, not acknowledged
        self._listing: list[Place] = []  # what was last read, in the order of the database
        self._whole = True  # whether that was all there was
        self._poll_at = 0.0

    async def open(self) -> None:
        """Connect, look at the table, and make the place for progress if it is missing."""
        await self._database.open()
        self._forget()
        await self._database.run(self._prepare)
        log.info("table open", extra={"worker": self._worker, "table": self._settings.table})

    async def receive(self) -> Sequence[Received]:
        """Return the next rows that are neither done nor handed out."""
        wait = self._poll_at - time.monotonic()
        if wait > 0:
            await asyncio.sleep(min(wait, _LONGEST_WAIT))
            if wait > _LONGEST_WAIT:
                return ()
        limit = self._batch + len(self._pending) + self._settings.overlap
        limit += len(self._position.done) if self._position else 0
        fetched = await self._fetch(limit)
        received = [] if fetched is None else self._take(fetched)
        if not received:
            await self._move_on(set())
            self._poll_at = time.monotonic() + float(self._settings.poll)
        return received

    async def acknowledge(self, received: Sequence[Received]) -> None:
        """Move on; what was handed out is done (I1)."""
        if not received or self._position is None:
            return
        finished = {each.token for each in received}
        self._pending -= finished
        await self._move_on(finished)

    async def _move_on(self, finished: set[Any]) -> None:
        """Keep what is done; save it when it is news."""
        before = self._position
        if before is None:
            return
        position = self._position = before.after(
            finished,
            self._listing,
            whole=self._whole,
            overlap=self._settings.overlap,
            passable=self._horizon.passable,
        )
        if position == before:
            return
        if position.low in self._listing:
            passed = self._listing.index(position.low) + 1
            del self._listing[:passed]
            self._horizon.passed(passed)
        await self._database.transact(lambda driver: self._progress.save(driver, position))

    async def close(self) -> None:
        """Release everything. Safe without ``open`` and twice."""
        await self._database.close()

    def _forget(self) -> None:
        self._position, self._pending, self._listing = None, set(), []
        self._whole, self._poll_at = True, 0.0
        self._horizon = Horizon()

    def _prepare(self, connection: Connection) -> None:
        self._is_postgresql = connection.dialect.name == "postgresql"
        self._reading.prepare(connection)
        self._progress.prepare(connection)

    async def _fetch(self, limit: int) -> _Fetched | None:
        known = self._position
        try:
            return await self._database.transact(lambda driver: self._read(driver, known, limit))
        except Reject as refusal:  # a statement of ours: no message is at fault
            raise Halt(refusal.reason) from refusal

    def _read(self, driver: Driver, position: Position | None, limit: int) -> _Fetched | None:
        if position is None:
            if not self._is_my_turn(driver):
                return None
            position = self._progress.load(driver)
            limit += len(position.done)
        snapshot = snapshot_of(driver) if self._is_postgresql else None  # before the rows
        rows = self._reading.rows(driver, position.low, limit)
        return _Fetched(position, snapshot, rows, whole=len(rows) < limit)

    def _is_my_turn(self, driver: Driver) -> bool:
        """Take the lock that one replica has while it is connected; having it, take it again."""
        if not self._is_postgresql:
            return True
        found = driver.execute(
            "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))",
            (f"crossdock sql-in {self._worker}",),
        )
        return bool(found.fetchone()[0])

    def _take(self, fetched: _Fetched) -> list[Received]:
        self._position, self._whole = fetched.position, fetched.whole
        self._listing = [self._reading.place(row) for row in fetched.rows]
        self._horizon.look(fetched.snapshot, list(self._listing))
        known = self._pending.union(fetched.position.done)
        fresh = [
            (row, place)
            for row, place in zip(fetched.rows, self._listing, strict=True)
            if place not in known
        ]
        # One that commits late comes before rows that are done: it is what these are kept for.
        last = max((at for at, each in enumerate(self._listing) if each in known), default=0)
        late = sum(1 for each in self._listing[:last] if each not in known)
        fresh = fresh[: min(self._batch, late + self._room(len(known)))]
        received = [self._reading.received(row, place) for row, place in fresh]
        self._pending.update(place for _, place in fresh)
        return received

    def _room(self, kept: int) -> int:
        """Return how many more rows may be received while transactions are open."""
        most = max(MOST_KEPT, self._settings.overlap) if self._is_postgresql else kept + self._batch
        room = max(0, most - kept)
        if not room and not self._told:
            log.warning(
                "waits for a transaction that has been open for long: end it in the database",
                extra={"worker": self._worker, "rows": kept},
            )
        self._told = not room
        return room
