"""Asks a database."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from crossdock.contracts import Disconnected, Reject
from crossdock.mesh.expression import Json
from crossdock.mesh.sql.database import Database
from crossdock.mesh.sql.texts import prepare_texts
from crossdock.mesh.sql.values import json_value
from crossdock.router.calls.call_file import SqlCall

_SCALAR = (str, int, float, type(None))  # bool is an int


class SqlClient:
    """See :class:`crossdock.router.calls.client.Client`. One query at a time."""

    def __init__(self, name: str, settings: SqlCall, folder: Path, *, most: int) -> None:
        """Connect to nothing yet.

        Args:
            name: Of the call, for errors.
            settings: With its secrets resolved.
            folder: Where a relative SQLite path starts.
            most: Bytes that an answer may have.
        """
        self._name = name
        self._settings = settings
        self._query = text(settings.query)
        self._names = tuple(self._query.compile().params)
        self._database = Database(settings.url.reveal(), folder, writes=False)
        self._most = most
        self._open = False
        self._turn = asyncio.Lock()

    async def call(self, request: Json, _key: str) -> bytes | None:
        """Run the query, and return its rows."""
        values = self._values(request)
        async with self._turn:
            try:
                if not self._open:
                    await self._database.open()
                    await self._database.run(_prepare)
                    self._open = True
                rows = await self._database.run(lambda each: self._rows(each, values))
            except Disconnected:
                self._open = False
                raise
        return self._answer(rows)

    async def close(self) -> None:
        """Close the connection."""
        self._open = False
        await self._database.close()

    def _values(self, request: Json) -> dict[str, Any]:
        known = request if isinstance(request, dict) else {}
        for name in self._names:
            if name not in known or not isinstance(known[name], _SCALAR):
                raise Reject(f"call {self._name}: {name} is no text, number or truth value")
        return {name: known[name] for name in self._names}

    def _rows(self, connection: Connection, values: dict[str, Any]) -> list[dict[str, Any]]:
        limit = 2 if self._settings.rows == "one" else self._settings.limit + 1
        found = connection.execute(self._query, values)
        return [dict(each) for each in found.mappings().fetchmany(limit)]

    def _answer(self, rows: list[dict[str, Any]]) -> bytes | None:
        one = self._settings.rows == "one"
        most = 1 if one else self._settings.limit
        if len(rows) > most:
            raise Reject(f"call {self._name}: more than {most} rows")
        if one and not rows:
            return None
        try:
            values = [
                {name: json_value(each, decimal_text=False) for name, each in row.items()}
                for row in rows
            ]
        except ValueError as error:
            raise Reject(f"call {self._name}: a row {error}") from error
        answer = msgspec.json.encode(values[0] if one else values)
        if len(answer) > self._most:
            raise Reject(f"call {self._name}: the answer is larger than max_answer")
        return answer


def _prepare(connection: Connection) -> None:
    """Let the connection read, and nothing else."""
    prepare_texts(connection)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only=ON")
    else:
        connection.exec_driver_sql("SET default_transaction_read_only = on")
