"""`sql-out`: each message once, bad rows alone, nothing told that was in a row."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from crossdock.contracts import Halt, Reject, Retry
from crossdock.mesh.project.scalars import Duration
from crossdock.workers.adapter import Delivery
from crossdock.workers.sql_out.sink import SqlSink
from peers.postgresql import PostgreSQL
from peers.tables import Database, PostgresqlDatabase, SqliteFile
from sql_sinks import PRIVATE, delivery, sink_on, things


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return SqliteFile(tmp_path)
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return PostgresqlDatabase(server.database())


async def deliver(sink: SqlSink, batch: Sequence[Delivery]) -> list[str]:
    return [type(each).__name__ for each in await sink.deliver(batch)]


async def test_bad_rows_are_refused_alone_and_their_reasons_tell_no_value(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    things(database)
    sink = sink_on(database)
    await sink.open()
    batch = [delivery(i, {"id": i, "name": PRIVATE, "amount": 1}) for i in range(50)]
    batch[3] = delivery(3, {"id": 3, "name": PRIVATE, "amount": -1})  # check
    batch[17] = delivery(17, {"id": 17, "name": None, "amount": 1})  # not null
    batch[18] = delivery(18, {"id": 2, "name": PRIVATE, "amount": 1})  # unique
    batch[30] = delivery(30, {"id": 30, "name": PRIVATE, "nonsense": 1})  # no column
    batch[31] = delivery(31, [PRIVATE])  # no object
    batch[32] = delivery(32, {"id": 2**70, "name": PRIVATE})  # no 64 bits
    results = await sink.deliver(batch)
    await sink.close()
    refused = {i for i, result in enumerate(results) if isinstance(result, Reject)}
    assert refused == {3, 17, 18, 30, 31, 32}
    assert all(result is None for i, result in enumerate(results) if i not in refused)
    assert database.run("SELECT count(*) FROM things") == [(44,)]
    told = f"{[(repr(each), each.__dict__, each.__cause__) for each in results if each]}"
    assert PRIVATE not in told + caplog.text
    assert "name" in str(results[17])
    assert "'nonsense'" in str(results[30])


async def test_a_refused_message_that_was_repaired_is_delivered(database: Database) -> None:
    things(database)
    sink = sink_on(database)
    await sink.open()
    assert await deliver(sink, [delivery(1, {"id": 1, "name": "a", "amount": -1})]) == ["Reject"]
    assert await deliver(sink, [delivery(1, {"id": 1, "name": "a", "amount": 1})]) == ["NoneType"]
    await sink.close()
    assert database.run("SELECT id FROM things") == [(1,)]


async def test_replicas_that_deliver_the_same_messages_at_once_have_one_effect(
    database: Database,
) -> None:
    database.run("CREATE TABLE things (id integer, name varchar(20))")  # nothing unique but ids
    sinks = [sink_on(database) for _ in range(3)]
    for sink in sinks:
        await sink.open()

    async def until_done(sink: SqlSink, order: int) -> None:
        for start in range(0, 200, 40):
            batch = [delivery(i, {"id": i, "name": "x"}) for i in range(start, start + 40)]
            while True:
                try:
                    assert not any(await sink.deliver(batch[::order]))
                    break
                except Retry:
                    continue

    await asyncio.gather(
        *(until_done(sink, order) for sink, order in zip(sinks, (1, -1, 1), strict=True))
    )
    for sink in sinks:
        await sink.close()
    assert database.run("SELECT count(*), count(DISTINCT id) FROM things") == [(200, 200)]


async def test_two_workers_share_an_inbox_and_do_not_hide_messages_from_each_other(
    database: Database,
) -> None:
    database.run("CREATE TABLE things (id integer, name varchar(20))")
    for worker in ("first", "second"):
        sink = sink_on(database, worker)
        await sink.open()
        assert not any(await sink.deliver([delivery(1, {"id": 1, "name": worker})]))
        await sink.close()
    assert database.run("SELECT count(*) FROM things") == [(2,)]


async def test_upsert_changes_the_row_of_a_key_and_the_last_of_a_batch_wins(
    database: Database,
) -> None:
    things(database)
    sink = sink_on(database, mode="upsert", key=("id",))
    await sink.open()
    batch = [
        delivery(1, {"id": 1, "name": "a", "amount": 1}),
        delivery(2, {"id": 1, "name": "b", "amount": 2}),
        delivery(3, {"id": 1, "name": "c"}),
        delivery(4, {"id": 2, "name": "d"}),
    ]
    assert await deliver(sink, batch) == ["NoneType"] * 4
    assert await deliver(sink, [delivery(5, {"name": "no key"})]) == ["Reject"]
    assert await deliver(sink, [delivery(6, {"id": None, "name": "null key"})]) == ["Reject"]
    await sink.close()
    assert database.run("SELECT id, name, amount FROM things ORDER BY id") == [
        (1, "c", 2),
        (2, "d", 7),
    ]


async def test_columns_take_their_fields_and_a_missing_field_leaves_the_default(
    database: Database,
) -> None:
    things(database)
    sink = sink_on(database, columns={"id": "number", "name": "title", "amount": "sum"})
    await sink.open()
    batch = [
        delivery(1, {"number": 1, "title": "a", "sum": 3, "other": {"ignored": True}}),
        delivery(2, {"number": 2, "title": "b"}),
    ]
    assert await deliver(sink, batch) == ["NoneType", "NoneType"]
    await sink.close()
    assert database.run("SELECT * FROM things ORDER BY id") == [(1, "a", 3), (2, "b", 7)]


async def test_names_that_need_quoting_are_quoted(database: Database) -> None:
    database.run('CREATE TABLE "Order; DROP" ("select" integer, "a ""b%" varchar(9))')
    sink = sink_on(database, table="Order; DROP", inbox="my inbox")
    await sink.open()
    batch = [delivery(1, {"select": 1, 'a "b%': "x"})]
    assert await deliver(sink, batch) == ["NoneType"]
    assert await deliver(sink, batch) == ["NoneType"]
    await sink.close()
    assert database.run('SELECT count(*) FROM "Order; DROP"') == [(1,)]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"table": "nothing"}, "there is no table nothing"),
        ({"columns": {"other": "x"}}, "settings/columns: table things has no column 'other'"),
        ({"mode": "upsert", "key": ("name",)}, "settings/key: name are not unique in things"),
    ],
)
async def test_a_table_that_is_not_as_the_settings_say_halts(
    settings: dict[str, Any], told: str, database: Database
) -> None:
    things(database)
    sink = sink_on(database, **settings)
    with pytest.raises(Halt, match=told):
        await sink.open()
    await sink.close()


async def test_a_table_that_is_dropped_meanwhile_halts_and_no_message_is_refused(
    database: Database,
) -> None:
    things(database)
    sink = sink_on(database)
    await sink.open()
    database.run("DROP TABLE things")
    with pytest.raises(Halt) as caught:
        await sink.deliver([delivery(1, {"id": 1, "name": PRIVATE})])
    await sink.close()
    assert PRIVATE not in repr(caught.value)


async def test_old_ids_leave_the_inbox_and_young_ones_stay(database: Database) -> None:
    things(database)
    sink = sink_on(database, inbox_keep=Duration(3600))
    await sink.open()
    await sink.deliver([delivery(1, {"id": 1, "name": "a"})])
    old = "0" if database.kind == "sqlite" else "now() - interval '2 hours'"
    database.run(f"UPDATE crossdock_inbox SET time = {old}")  # noqa: S608 - one of the two above
    await sink.close()
    await sink.open()
    sink._prune_at = 0.0
    await sink.deliver([delivery(2, {"id": 2, "name": "a"})])
    await sink.close()
    assert database.run("SELECT id FROM crossdock_inbox") == [("id-2",)]


async def test_pruning_goes_on_with_each_batch_while_there_is_more(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("sink", "statements"):
        monkeypatch.setattr(f"crossdock.workers.sql_out.{place}.PRUNED_AT_ONCE", 2)
    things(database)
    sink = sink_on(database, inbox_keep=Duration(3600))
    await sink.open()
    await sink.deliver([delivery(i, {"id": i, "name": "a"}) for i in range(5)])
    old = "0" if database.kind == "sqlite" else "now() - interval '2 hours'"
    database.run(f"UPDATE crossdock_inbox SET time = {old}")  # noqa: S608 - one of the two above
    sink._prune_at = 0.0
    for i in (10, 11, 12):
        await sink.deliver([delivery(i, {"id": i, "name": "a"})])
    await sink.close()
    assert database.run("SELECT count(*) FROM crossdock_inbox") == [(3,)]


async def test_a_locked_sqlite_file_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = SqliteFile(tmp_path)
    things(database)
    sink = sink_on(database)
    monkeypatch.setattr("crossdock.mesh.sql.database._BUSY", 0.05)
    await sink.open()
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Retry, match="locked"):
        await sink.deliver([delivery(1, {"id": 1, "name": "a"})])
    other.execute("ROLLBACK")
    other.close()
    assert not any(await sink.deliver([delivery(1, {"id": 1, "name": "a"})]))
    await sink.close()


async def test_a_constraint_that_speaks_at_the_commit_refuses_only_its_row(
    database: Database,
) -> None:
    database.run("CREATE TABLE parents (id integer PRIMARY KEY)")
    database.run("INSERT INTO parents VALUES (1)")
    database.run(
        "CREATE TABLE things (id integer, "
        "parent integer REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)"
    )
    sink = sink_on(database)
    await sink.open()
    batch = [delivery(i, {"id": i, "parent": 2 if i == 5 else 1}) for i in range(9)]
    results = await deliver(sink, batch)
    await sink.close()
    assert [i for i, result in enumerate(results) if result == "Reject"] == [5]
    assert database.run("SELECT count(*) FROM things") == [(8,)]
