"""One connection on one thread, from connecting to the last goodbye.

SQLAlchemy connects and describes tables. What is done for each batch goes to the driver itself:
for batches of hundreds of rows in SQLite, SQLAlchemy's share would be a third of the time.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeAlias, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from crossdock.contracts import CrossdockError, Disconnected
from crossdock.mesh.blocking import Blocking
from crossdock.mesh.sql.errors import instruction

_T = TypeVar("_T")
Driver: TypeAlias = Any
"""A connection of ``sqlite3`` or of ``psycopg``: both have ``execute``."""

_PATIENCE: Final = 20.0  # seconds for one piece of work; less than the standard policy's timeout
_GOODBYE: Final = 2.0  # seconds for closing in good order


class Session:
    """A connection and its thread; used once, then thrown away."""

    def __init__(self, engine: Engine, name: str, *, writes: bool) -> None:
        """Start nothing yet.

        Args:
            engine: Where to connect.
            name: What to call the database in errors.
            writes: Whether work is a transaction; otherwise each statement stands alone.
        """
        self._engine = engine
        self._name = name
        self._begins = writes and engine.dialect.name == "sqlite"  # psycopg begins by itself
        self._connection: Connection | None = None
        self._thread = Blocking("sql")

    async def connect(self) -> None:
        """Connect.

        Raises:
            CrossdockError: What the runtime has to do when that fails.
        """
        await self._in_thread(self._connect)

    async def run(self, work: Callable[[Connection], _T]) -> _T:
        """Do one piece of work in a transaction, after the pieces before it.

        Work that was cancelled may still run to its end: a transaction is whole or not there.

        Raises:
            CrossdockError: What the runtime has to do about the driver's error.
        """
        return await self._in_thread(lambda: self._run(work))

    async def transact(self, work: Callable[[Driver], _T]) -> _T:
        """Do the same, with the driver's own connection."""
        return await self._in_thread(lambda: self._transact(work))

    async def close(self) -> None:
        """Release everything, also when the database does not answer."""
        goodbye = asyncio.ensure_future(self._thread.stop(self._disconnect))
        done, _ = await asyncio.wait([goodbye], timeout=_GOODBYE)
        if not done:
            self._sever()

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._thread.run(work)
        except TimeoutError:
            self._sever()
            raise Disconnected(f"{self._name}: no answer in {_PATIENCE:.0f} s") from None

    def _connect(self) -> None:
        try:
            self._connection = self._engine.connect()
        except DBAPIError as error:
            raise self._instruction(error.orig) from None  # the cause may quote secrets (I6)

    def _run(self, work: Callable[[Connection], _T]) -> _T:
        connection = self._open_connection()
        try:
            with connection.begin():
                return work(connection)
        except DBAPIError as error:
            raise self._instruction(error.orig) from None  # the cause quotes values (I6)

    def _transact(self, work: Callable[[Driver], _T]) -> _T:
        connection = self._open_connection()
        driver: Any = connection.connection.dbapi_connection
        assert connection.dialect.dbapi is not None  # noqa: S101 - narrows a type: it is connected
        try:
            if self._begins:
                driver.execute("BEGIN IMMEDIATE")
            try:
                result = work(driver)
                driver.commit()  # SQLite leaves the transaction open when this is refused
            except BaseException:
                driver.rollback()
                raise
        except connection.dialect.dbapi.Error as error:
            raise self._instruction(error) from None  # the cause quotes values (I6)
        return result

    def _open_connection(self) -> Connection:
        connection = self._connection
        if connection is None or connection.invalidated:
            raise Disconnected(f"{self._name}: no connection")
        return connection

    def _instruction(self, error: BaseException | None) -> CrossdockError:
        return instruction(error, self._name)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()

    def _sever(self) -> None:
        """Wake the thread from a peer that does not answer, by shutting its socket down."""
        connection = self._connection
        if connection is None or connection.dialect.name == "sqlite" or connection.invalidated:
            return  # SQLite waits no longer than its busy timeout
        driver: Any = connection.connection.dbapi_connection
        assert connection.dialect.dbapi is not None  # noqa: S101 - narrows a type: it is connected
        with (
            suppress(connection.dialect.dbapi.Error, OSError),  # it was lost in the meantime
            socket.socket(fileno=os.dup(driver.pgconn.socket)) as wire,
        ):
            wire.shutdown(socket.SHUT_RDWR)
