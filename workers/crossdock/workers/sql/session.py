"""One connection on one thread, from connecting to the last goodbye."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from crossdock.contracts import Disconnected
from crossdock.workers.sql.errors import instruction

_T = TypeVar("_T")
_PATIENCE: Final = 20.0  # seconds for one piece of work; less than the standard policy's timeout
_GOODBYE: Final = 2.0  # seconds for closing in good order


class Session:
    """A connection and its thread; used once, then thrown away."""

    def __init__(self, engine: Engine, name: str) -> None:
        """Start nothing yet.

        Args:
            engine: Where to connect.
            name: What to call the database in errors.
        """
        self._engine = engine
        self._name = name
        self._connection: Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sql")

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
        return await self._in_thread(lambda: self._work(work))

    async def close(self) -> None:
        """Release everything, also when the database does not answer."""
        goodbye = asyncio.wrap_future(self._thread.submit(self._disconnect))
        done, _ = await asyncio.wait([goodbye], timeout=_GOODBYE)
        if not done:
            self._sever()
        self._thread.shutdown(wait=False)

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except TimeoutError:
            self._sever()
            raise Disconnected(f"{self._name}: no answer in {_PATIENCE:.0f} s") from None

    def _connect(self) -> None:
        try:
            self._connection = self._engine.connect()
        except DBAPIError as error:
            raise instruction(error, self._name) from None  # the cause may quote secrets (I6)

    def _work(self, work: Callable[[Connection], _T]) -> _T:
        connection = self._connection
        if connection is None or connection.invalidated:
            raise Disconnected(f"{self._name}: no connection")
        try:
            with connection.begin():
                return work(connection)
        except DBAPIError as error:
            raise instruction(error, self._name) from None  # the cause quotes values (I6)

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
        with socket.socket(fileno=os.dup(driver.pgconn.socket)) as wire:
            wire.shutdown(socket.SHUT_RDWR)
