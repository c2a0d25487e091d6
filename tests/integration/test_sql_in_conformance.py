"""The conformance kit on `sql-in`, with SQLite and with a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from crossdock.mesh.project.scalars import Duration, SecretUrl
from crossdock.workers.adapter import Received, WorkerContext
from crossdock.workers.conformance import (
    MARK,
    SourceCheck,
    SourceFeatures,
    check_name,
    source_checks,
)
from crossdock.workers.sql_in import SqlInSettings
from crossdock.workers.sql_in.source import SqlSource
from peers.postgresql import PostgreSQL
from peers.tables import Database, PostgresqlDatabase, SqliteFile


class RowHarness:
    """A table into which rows are inserted."""

    features = SourceFeatures()

    def __init__(
        self, database: Database, server: PostgreSQL | None, folder: Path, overlap: int
    ) -> None:
        self.database = database
        self.server = server
        self.folder = folder
        self.overlap = overlap
        database.run("CREATE TABLE things (number integer NOT NULL PRIMARY KEY, text text)")

    def make(self, batch: int) -> SqlSource:
        settings = SqlInSettings(
            url=SecretUrl(self.database.url),
            table="things",
            key="number",
            poll=Duration(0.05),
            overlap=self.overlap,
        )
        context = WorkerContext(mesh="test", worker="things", folder=self.folder, batch=batch)
        return SqlSource(settings, context)

    async def put(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self.database.run("INSERT INTO things VALUES (?, ?)", (number, MARK))

    def number(self, received: Received) -> int:
        return int(received.value["number"])

    async def cut(self) -> None:
        assert self.server is not None
        self.server.kill()

    async def heal(self) -> None:
        assert self.server is not None
        self.server.start()


@pytest.mark.parametrize("overlap", [0, 5, 1000])
@pytest.mark.parametrize(
    "check", source_checks(SourceFeatures(can_disconnect=False)), ids=check_name
)
async def test_sqlite_conforms(check: SourceCheck, overlap: int, tmp_path: Path) -> None:
    await check(RowHarness(SqliteFile(tmp_path), None, tmp_path, overlap))


@pytest.mark.peer
@pytest.mark.parametrize("check", source_checks(SourceFeatures()), ids=check_name)
async def test_postgresql_conforms(
    check: SourceCheck, postgresql: PostgreSQL, tmp_path: Path
) -> None:
    database = PostgresqlDatabase(postgresql.database())
    await check(RowHarness(database, postgresql, tmp_path, 1000))
