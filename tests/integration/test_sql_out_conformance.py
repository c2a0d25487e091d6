"""The conformance kit on `sql-out`, with SQLite and with a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossdock.mesh.project.scalars import SecretUrl
from crossdock.workers.adapter import Delivery, WorkerContext
from crossdock.workers.conformance import MARK, SinkCheck, SinkFeatures, check_name, sink_checks
from crossdock.workers.sql_out.settings import SqlOutSettings
from crossdock.workers.sql_out.sink import SqlSink
from peers.postgresql import PostgreSQL
from peers.tables import Database, PostgresqlDatabase, SqliteFile


class TableHarness:
    """A table whose rows are the effects."""

    features = SinkFeatures()

    def __init__(self, database: Database, server: PostgreSQL | None, folder: Path) -> None:
        self.database = database
        self.server = server
        self.folder = folder
        serial = {
            "sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT",
            "postgresql": "bigserial PRIMARY KEY",
        }[database.kind]
        database.run(
            f"CREATE TABLE effects (seq {serial}, number integer NOT NULL CHECK (number >= 0), "
            "text varchar(200))"
        )

    def make(self) -> SqlSink:
        return SqlSink(
            SqlOutSettings(url=SecretUrl(self.database.url), table="effects"),
            WorkerContext(mesh="test", worker="effects", folder=self.folder),
        )

    def delivery(self, number: int) -> Delivery:
        value = {"number": number, "text": MARK}
        return Delivery(id=f"id-{number}", type="test.thing.made", value=value)

    def refused(self) -> Delivery:
        value = {"number": -1, "text": MARK}
        return Delivery(id="id-refused", type="test.thing.made", value=value)

    async def effects(self) -> list[int]:
        return [row[0] for row in self.database.run("SELECT number FROM effects ORDER BY seq")]

    async def cut(self) -> None:
        assert self.server is not None
        self.server.kill()

    async def heal(self) -> None:
        assert self.server is not None
        self.server.start()


@pytest.mark.parametrize("check", sink_checks(SinkFeatures(can_disconnect=False)), ids=check_name)
async def test_sqlite_conforms(check: SinkCheck, tmp_path: Path) -> None:
    await check(TableHarness(SqliteFile(tmp_path), None, tmp_path))


@pytest.mark.peer
@pytest.mark.parametrize("check", sink_checks(SinkFeatures()), ids=check_name)
async def test_postgresql_conforms(
    check: SinkCheck, postgresql: PostgreSQL, tmp_path: Path
) -> None:
    await check(TableHarness(PostgresqlDatabase(postgresql.database()), postgresql, tmp_path))
