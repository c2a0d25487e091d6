"""`sql-out` to PostgreSQL: its types, its crashes, its rights."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from crossdock.contracts import CrossdockError, Disconnected, Halt, Reject
from crossdock.mesh.sql import session
from crossdock.workers.adapter import Delivery
from crossdock.workers.sql_out.sink import SqlSink
from peers.postgresql import PostgreSQL
from peers.tables import PostgresqlDatabase
from sql_sinks import PRIVATE, delivery, sink_on, things


@pytest.mark.peer
async def test_postgresql_makes_the_types_of_the_columns_and_keeps_all_digits(
    postgresql: PostgreSQL,
) -> None:
    database = PostgresqlDatabase(postgresql.database())
    database.run("CREATE TYPE mood AS ENUM ('calm', 'wild')")
    database.run(
        "CREATE TABLE things (at timestamptz, price numeric, tags text[], doc jsonb, uid uuid, "
        "feel mood, big bigint)"
    )
    sink = sink_on(database)
    await sink.open()
    value = {
        "at": "2026-01-02T03:04:05.678901+02:00",
        "price": "1234567890.12345678901234567890",
        "tags": ["a", "b"],
        "doc": {"a": [1, None]},
        "uid": "00000000-0000-0000-0000-000000000001",
        "feel": "wild",
        "big": 2**62,
    }
    good, bad = delivery(1, value), delivery(2, {**value, "at": PRIVATE})
    results = await sink.deliver([good, bad])
    await sink.close()
    assert results[0] is None
    assert isinstance(results[1], Reject)
    assert PRIVATE not in repr(results[1])
    (row,) = database.run(
        "SELECT at = '2026-01-02T01:04:05.678901Z', price::text, tags, doc, uid::text, feel, big "
        "FROM things"
    )
    expected = (True, value["price"], value["tags"], value["doc"], value["uid"], "wild", 2**62)
    assert row == expected


@pytest.mark.peer
@pytest.mark.fault
async def test_kill_9_of_postgresql_in_the_middle_has_each_effect_once_and_alarms_nobody(
    postgresql: PostgreSQL, caplog: pytest.LogCaptureFixture
) -> None:
    database = PostgresqlDatabase(postgresql.database())
    database.run("CREATE TABLE things (id integer, name text)")
    sink = sink_on(database)
    await sink.open()
    batches = [
        [delivery(i, {"id": i, "name": "x"}) for i in range(start, start + 100)]
        for start in range(0, 1000, 100)
    ]

    async def until_done(batch: list[Delivery]) -> None:
        while True:
            try:
                assert not any(await sink.deliver(batch))
            except Disconnected:
                await reopened(sink)
            else:
                return

    for number, batch in enumerate(batches):
        going = asyncio.ensure_future(until_done(batch))
        if number in (3, 6):
            await asyncio.wait([going], timeout=0.002 * number)
            await asyncio.to_thread(postgresql.kill)
            await asyncio.to_thread(postgresql.start)
        await going
    await sink.close()
    assert database.run("SELECT count(*), count(DISTINCT id) FROM things") == [(1000, 1000)]
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


async def reopened(sink: SqlSink) -> None:
    """Open again, as the runtime does, until the server is back."""
    async with asyncio.timeout(30):
        while True:
            try:
                await sink.close()
                await sink.open()
            except CrossdockError:
                await asyncio.sleep(0.02)  # the delay of a failure policy
            else:
                return


@pytest.mark.peer
@pytest.mark.fault
async def test_a_frozen_postgresql_is_disconnected_within_its_time_and_holds_up_no_close(
    postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = PostgresqlDatabase(postgresql.database())
    things(database)
    sink = sink_on(database)
    await sink.open()
    monkeypatch.setattr(session, "_PATIENCE", 0.3)
    postgresql.freeze()
    try:
        with pytest.raises(Disconnected, match="no answer"):
            await sink.deliver([delivery(1, {"id": 1, "name": "a"})])
        async with asyncio.timeout(5):
            await sink.close()
            while any(each.name.startswith("sql") for each in threading.enumerate()):
                await asyncio.sleep(0.01)  # its thread does not wait for the frozen server, either
    finally:
        postgresql.thaw()
    monkeypatch.undo()
    await reopened(sink)
    assert not any(await sink.deliver([delivery(1, {"id": 1, "name": "a"})]))
    await sink.close()
    assert database.run("SELECT count(*) FROM things") == [(1,)]


@pytest.mark.peer
async def test_a_user_who_may_only_write_rows_uses_an_inbox_that_was_made_before(
    postgresql: PostgreSQL,
) -> None:
    database = PostgresqlDatabase(postgresql.database())
    things(database)
    owner = sink_on(database)
    await owner.open()
    await owner.close()
    database.run("DROP ROLE IF EXISTS writer")
    database.run("CREATE ROLE writer LOGIN")
    database.run("GRANT INSERT, SELECT, DELETE ON crossdock_inbox TO writer")
    writer = PostgresqlDatabase(database.url.replace("postgres@", "writer@"))
    sink = sink_on(writer)
    await sink.open()
    with pytest.raises(Halt, match="42501"):
        await sink.deliver([delivery(1, {"id": 1, "name": "a"})])
    database.run("GRANT INSERT ON things TO writer")
    assert not any(await sink.deliver([delivery(1, {"id": 1, "name": "a"})]))
    await sink.close()
    database.run("DROP OWNED BY writer")


@pytest.mark.peer
async def test_a_session_with_lax_commits_is_made_strict(postgresql: PostgreSQL) -> None:
    database = PostgresqlDatabase(postgresql.database())
    things(database)
    name = database.url.rpartition("/")[2]
    database.run(f'ALTER DATABASE "{name}" SET synchronous_commit TO off')
    sink = sink_on(database)
    await sink.open()
    found = await sink._database.transact(
        lambda driver: driver.execute("SHOW synchronous_commit").fetchone()
    )
    await sink.close()
    assert found == ("on",)
    assert database.run("SHOW synchronous_commit") == [("off",)]
