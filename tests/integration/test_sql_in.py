"""`sql-in`: late transactions, ids, values, progress, replicas."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest

from crossdock.contracts import Halt
from crossdock.mesh.project.scalars import Duration, SecretUrl
from crossdock.workers.adapter import Received, WorkerContext
from crossdock.workers.sql_in import SqlInSettings
from crossdock.workers.sql_in.source import SqlSource
from peers.postgresql import PostgreSQL
from peers.tables import PostgresqlDatabase, SqliteFile


def source_on(url: str, folder: Path, batch: int = 100, **settings: Any) -> SqlSource:  # noqa: ANN401 - any setting
    defaults: dict[str, Any] = {"table": "things", "key": "id", "poll": Duration(0.01)}
    return SqlSource(
        SqlInSettings(url=SecretUrl(url), **{**defaults, **settings}),
        WorkerContext(mesh="test", worker="things", folder=folder, batch=batch),
    )


async def drain(source: SqlSource) -> list[Received]:
    """Receive and acknowledge until nothing is there."""
    received: list[Received] = []
    idle = 0
    while idle < 2:
        more = await source.receive()
        await source.acknowledge(more)
        received += more
        idle = 0 if more else idle + 1
    return received


@pytest.fixture
def database(postgresql: PostgreSQL) -> PostgresqlDatabase:
    return PostgresqlDatabase(postgresql.database())


@pytest.mark.peer
async def test_a_row_that_commits_after_rows_with_higher_keys_is_received(
    database: PostgresqlDatabase, tmp_path: Path
) -> None:
    database.run("CREATE TABLE things (id bigserial PRIMARY KEY, name text)")
    source = source_on(database.url, tmp_path)
    await source.open()
    with psycopg.connect(database.url) as slow:
        slow.execute("INSERT INTO things (name) VALUES ('slow')")  # takes id 1, is not committed
        database.run("INSERT INTO things (name) VALUES ('fast')")  # takes id 2
        assert [each.value["id"] for each in await drain(source)] == [2]
        slow.commit()
    assert [each.value["id"] for each in await drain(source)] == [1]
    await source.close()


@pytest.mark.peer
async def test_a_late_row_is_received_once_also_after_a_restart(
    database: PostgresqlDatabase, tmp_path: Path
) -> None:
    database.run("CREATE TABLE things (id bigserial PRIMARY KEY, name text)")
    source = source_on(database.url, tmp_path, overlap=3)
    await source.open()
    with psycopg.connect(database.url) as slow:
        slow.execute("INSERT INTO things (name) VALUES ('slow')")
        for _ in range(3):
            database.run("INSERT INTO things (name) VALUES ('fast')")
        assert len(await drain(source)) == 3
        await source.close()
        slow.commit()
    await source.open()
    assert [each.value["id"] for each in await drain(source)] == [1]
    await source.close()
    await source.open()
    assert await drain(source) == []
    await source.close()


@pytest.mark.peer
async def test_replicas_take_turns_and_the_next_goes_on_where_the_first_stopped(
    database: PostgresqlDatabase, tmp_path: Path
) -> None:
    database.run("CREATE TABLE things (id bigserial PRIMARY KEY, name text)")
    database.run("INSERT INTO things (name) SELECT 'x' FROM generate_series(1, 10)")
    first = source_on(database.url, tmp_path, batch=4)
    second = source_on(database.url, tmp_path, batch=4)
    await first.open()
    await second.open()
    await first.acknowledge(await first.receive())
    assert await second.receive() == []
    await first.close()
    rest = await drain(second)
    assert [each.value["id"] for each in rest] == [5, 6, 7, 8, 9, 10]
    await second.close()


@pytest.mark.peer
async def test_values_of_postgresql_become_json_without_loss(
    database: PostgresqlDatabase, tmp_path: Path
) -> None:
    database.run(
        "CREATE TABLE things (id int PRIMARY KEY, price numeric, at timestamptz, day date, "
        "local timestamp, tags text[], doc jsonb, uid uuid, raw bytea, yes boolean, span interval)"
    )
    database.run(
        "INSERT INTO things VALUES (1, 1234567890.12345678901234567890, "
        "'2026-01-02 03:04:05.678901+02', '2026-01-02', '2026-01-02 03:04:05', '{a,b}', "
        """'{"a": [1, null]}', '00000000-0000-0000-0000-000000000001', '\\x00ff', true, '1 day')"""
    )
    source = source_on(database.url, tmp_path, decimals="string")
    await source.open()
    (thing,) = await drain(source)
    await source.close()
    assert thing.value == {
        "id": 1,
        "price": "1234567890.12345678901234567890",
        "at": "2026-01-02T01:04:05.678901Z",
        "day": "2026-01-02",
        "local": "2026-01-02T03:04:05",
        "tags": ["a", "b"],
        "doc": {"a": [1, None]},
        "uid": "00000000-0000-0000-0000-000000000001",
        "raw": "AP8=",
        "yes": True,
        "span": "1 day",
    }


@pytest.mark.peer
async def test_a_row_that_json_cannot_hold_is_an_error_and_stops_no_other(
    database: PostgresqlDatabase, tmp_path: Path
) -> None:
    database.run("CREATE TABLE things (id int PRIMARY KEY, price numeric, at timestamptz)")
    database.run("INSERT INTO things VALUES (1, 'NaN', now()), (2, 1, 'infinity'), (3, 2, now())")
    source = source_on(database.url, tmp_path)
    await source.open()
    first, second, third = await drain(source)
    await source.close()
    assert first.error == (
        "column price holds a number that is not finite, for which JSON has nothing"
    )
    assert isinstance(first.value, bytes)
    assert second.value["at"] == "infinity"
    assert third.error is None


@pytest.mark.peer
async def test_rows_of_one_time_are_all_received_when_a_tie_orders_them(
    database: PostgresqlDatabase, tmp_path: Path
) -> None:
    database.run("CREATE TABLE things (id uuid PRIMARY KEY, changed timestamptz NOT NULL)")
    database.run(
        "INSERT INTO things SELECT gen_random_uuid(), '2026-01-01T00:00:00.123456Z' "
        "FROM generate_series(1, 25)"
    )
    source = source_on(database.url, tmp_path, batch=10, key="changed", tie="id", overlap=0)
    await source.open()
    received = await drain(source)
    await source.close()
    assert len({each.id for each in received}) == len(received) == 25


async def test_a_text_that_is_not_utf8_is_an_error_and_stops_no_other(tmp_path: Path) -> None:
    database = SqliteFile(tmp_path)
    database.run("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)")
    database.run("INSERT INTO things VALUES (1, CAST(x'ff' AS TEXT)), (2, 'good')")
    source = source_on(database.url, tmp_path)
    await source.open()
    broken, good = await drain(source)
    await source.close()
    assert broken.error == "column name holds text that is not UTF-8"
    assert good.value == {"id": 2, "name": "good"}


async def test_progress_in_a_file_needs_no_right_to_write_into_the_database(
    tmp_path: Path,
) -> None:
    database = SqliteFile(tmp_path)
    database.run("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)")
    database.run("INSERT INTO things VALUES (1, 'a'), (2, 'b')")
    source = source_on(database.url, tmp_path, progress="file")
    await source.open()
    assert len(await drain(source)) == 2
    await source.close()
    await source.open()
    assert await drain(source) == []
    await source.close()
    assert database.run("SELECT name FROM sqlite_master") == [("things",)]
    assert (tmp_path / ".crossdock" / "progress" / "test.things.json").is_file()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"table": "nothing"}, "there is no table nothing"),
        ({"key": "nothing"}, "settings/key: table things has no column 'nothing'"),
        ({"columns": ("id", "other")}, "settings/columns: table things has no column 'other'"),
    ],
)
async def test_what_is_not_in_the_database_halts_and_is_named(
    settings: dict[str, Any], told: str, tmp_path: Path
) -> None:
    database = SqliteFile(tmp_path)
    database.run("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)")
    source = source_on(database.url, tmp_path, **settings)
    with pytest.raises(Halt, match=told):
        await source.open()
    await source.close()


async def test_a_mistyped_file_name_halts_and_makes_no_empty_database(tmp_path: Path) -> None:
    source = source_on("sqlite:///mistyped.db", tmp_path)
    with pytest.raises(Halt, match="is not there"):
        await source.open()
    assert not (tmp_path / "mistyped.db").exists()


async def test_reading_waits_for_no_writer(tmp_path: Path) -> None:
    database = SqliteFile(tmp_path)
    database.run("PRAGMA journal_mode=WAL")
    database.run("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)")
    database.run("INSERT INTO things VALUES (1, 'a')")
    source = source_on(database.url, tmp_path, progress="file")
    await source.open()
    writer = sqlite3.connect(database.path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert len(await source.receive()) == 1
    writer.close()
    await source.close()


async def test_ids_differ_between_tables_and_workers_but_not_between_runs(tmp_path: Path) -> None:
    database = SqliteFile(tmp_path)
    ids = []
    for table in ("things", "others"):
        database.run(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY)")
        database.run(f"INSERT INTO {table} VALUES (1)")  # noqa: S608 - names of this test
        for _ in range(2):
            source = source_on(database.url, tmp_path, table=table)
            await source.open()
            ids += [each.id for each in await source.receive()]
            await source.close()
    assert ids[0] == ids[1]
    assert ids[2] == ids[3]
    assert ids[0] != ids[2]


LATE = 40  # rows that overtake, many times what is read again in any case
MANY = "INSERT INTO things (name) SELECT 'fast' FROM generate_series(1, 40)"


@pytest.mark.peer
@pytest.mark.parametrize("restarts", [False, True])
async def test_a_row_is_not_missed_however_many_overtake_it(
    database: PostgresqlDatabase, tmp_path: Path, *, restarts: bool
) -> None:
    """Its transaction took the lower number and commits last: the trap of growing columns."""
    database.run("CREATE TABLE things (id bigserial PRIMARY KEY, name text)")
    source = source_on(database.url, tmp_path, batch=7, overlap=3)
    await source.open()
    with psycopg.connect(database.url) as slow, psycopg.connect(database.url) as slower:
        slow.execute("INSERT INTO things (name) VALUES ('slow')")
        slower.execute("INSERT INTO things (name) VALUES ('slower')")
        for _ in range(LATE):
            database.run("INSERT INTO things (name) VALUES ('fast')")
        assert len(await drain(source)) == LATE
        if restarts:
            await source.close()
            await source.open()
        slow.commit()
        assert [each.value["id"] for each in await drain(source)] == [1]
        for _ in range(LATE):
            database.run("INSERT INTO things (name) VALUES ('fast')")
        assert len(await drain(source)) == LATE
        slower.commit()
    assert [each.value["id"] for each in await drain(source)] == [2]
    assert await drain(source) == []
    await source.close()
    await source.open()
    assert await drain(source) == []
    await source.close()


@pytest.mark.peer
async def test_nothing_is_read_again_for_ever_once_the_transactions_have_ended(
    database: PostgresqlDatabase, tmp_path: Path
) -> None:
    database.run("CREATE TABLE things (id bigserial PRIMARY KEY, name text)")
    source = source_on(database.url, tmp_path, overlap=3)
    await source.open()
    with psycopg.connect(database.url) as slow:
        slow.execute("INSERT INTO things (name) VALUES ('slow')")
        database.run(MANY)
        await drain(source)
        assert len(kept(database)) == LATE
    await drain(source)
    async with asyncio.timeout(30):
        while len(kept(database)) > 3:
            await drain(source)
    await source.close()


@pytest.mark.peer
async def test_what_is_kept_for_open_transactions_is_bounded_and_then_it_waits(
    database: PostgresqlDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossdock.workers.sql_in.source.MOST_KEPT", 10)
    database.run("CREATE TABLE things (id bigserial PRIMARY KEY, name text)")
    source = source_on(database.url, tmp_path, batch=5, overlap=3)
    await source.open()
    with psycopg.connect(database.url) as slow:
        slow.execute("INSERT INTO things (name) VALUES ('slow')")
        database.run(MANY)
        first = [each.value["id"] for each in await drain(source)]
        assert first == list(range(2, 12))
        slow.commit()
    rest: list[int] = []
    async with asyncio.timeout(30):
        while len(rest) < LATE - 9:
            rest += [each.value["id"] for each in await drain(source)]
    assert sorted(rest) == [1, *range(12, LATE + 2)]
    await source.close()


def kept(database: PostgresqlDatabase) -> list[object]:
    """Return the rows that are read again."""
    ((text,),) = database.run("SELECT position FROM crossdock_progress")
    found: list[object] = json.loads(text)["done"]
    return found
