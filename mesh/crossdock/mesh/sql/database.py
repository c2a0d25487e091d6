"""One database, whose work is done on a thread: the event loop never waits for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event

from crossdock.contracts import Disconnected, Halt
from crossdock.mesh.sql.location import locate, shown
from crossdock.mesh.sql.session import Driver, Session

_T = TypeVar("_T")
_BUSY: Final = 5.0  # seconds that SQLite waits for another writer before it says BUSY
_CONNECT: Final = 10  # seconds


class Database:
    """A database that is opened, used for one piece of work at a time, and closed."""

    def __init__(self, url: str, folder: Path, *, writes: bool) -> None:
        """Remember where it is.

        Args:
            url: As :func:`crossdock.mesh.sql.location.locate` reads it.
            folder: Where a relative SQLite path starts.
            writes: Whether each piece of work is a transaction that writes; otherwise each
                statement stands alone.
        """
        self._url = url
        self._folder = folder
        self._writes = writes
        self._session: Session | None = None

    async def open(self) -> None:
        """Connect, after closing what was open.

        Raises:
            Disconnected: When it cannot be reached.
            Halt: When it can never be reached so.
        """
        await self.close()
        url = locate(self._url, self._folder)
        self._session = Session(_engine(url, writes=self._writes), shown(url), writes=self._writes)
        await self._session.connect()

    async def run(self, work: Callable[[Connection], _T]) -> _T:
        """Do one piece of work; see :meth:`Session.run`."""
        return await self._opened().run(work)

    async def transact(self, work: Callable[[Driver], _T]) -> _T:
        """Do one piece of work with the driver; see :meth:`Session.transact`."""
        return await self._opened().transact(work)

    async def close(self) -> None:
        """Release everything. Safe without ``open`` and twice."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _opened(self) -> Session:
        if self._session is None:
            raise Disconnected("the database is not open")
        return self._session


def _engine(url: URL, *, writes: bool) -> Engine:
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, writes=writes)
    try:
        engine = create_engine(
            url,
            poolclass=NullPool,
            pool_reset_on_return=None,  # closing ends a transaction; a lost connection has none
            hide_parameters=True,  # I6
            isolation_level="READ COMMITTED" if writes else "AUTOCOMMIT",
            connect_args={"connect_timeout": _CONNECT},
        )
    except ModuleNotFoundError as error:
        raise Halt("no driver for PostgreSQL: pip install 'crossdock[postgresql]'") from error
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _sqlite(url: URL, *, writes: bool) -> Engine:
    if not Path(url.database or "").is_file():
        # SQLite would make an empty database of a mistyped name.
        raise Halt(f"{shown(url)} is not there: create it with its tables first")
    engine = create_engine(
        url,
        poolclass=NullPool,
        pool_reset_on_return=None,  # closing ends a transaction; a lost connection has none
        hide_parameters=True,  # I6
        connect_args={"timeout": _BUSY},
    )
    event.listen(engine, "connect", _prepare_sqlite_writer if writes else _prepare_sqlite)
    if writes:
        event.listen(engine, "begin", _begin_at_once)
    return engine


def _prepare_postgresql(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's own
    with connection.cursor() as cursor:
        cursor.execute("SET timezone TO 'UTC'")
        cursor.execute("SET datestyle TO 'ISO'")
        cursor.execute(  # a commit is on disk when it returns (I2), also where the server is lax
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') = 'off'"
        )
    connection.commit()


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's own
    connection.isolation_level = None  # transactions are ours, not the driver's


def _prepare_sqlite_writer(connection: Any, record: object) -> None:  # noqa: ANN401 - a driver's own
    _prepare_sqlite(connection, record)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # a commit is on disk when it returns (I2)
    connection.execute("PRAGMA foreign_keys=ON")
    # Pages go from the log to the file less often: a commit that does so waits twice for the disk.
    connection.execute("PRAGMA wal_autocheckpoint=4000")
    connection.execute("PRAGMA cache_size=-16384")  # KiB: ids of the inbox come in no order


def _begin_at_once(connection: Connection) -> None:
    # A transaction that reads first and then writes can fail half-way; this one waits at its start.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
