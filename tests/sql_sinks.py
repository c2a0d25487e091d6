"""Sinks of ``sql-out`` on a table of things, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crossdock.mesh.project.scalars import SecretUrl
from crossdock.workers.adapter import Delivery, WorkerContext
from crossdock.workers.sql_out import SqlOutSettings
from crossdock.workers.sql_out.sink import SqlSink
from peers.tables import Database

PRIVATE = "never-to-be-told"


def delivery(number: int, value: object) -> Delivery:
    return Delivery(id=f"id-{number}", type="test.thing.made", value=value)


def sink_on(database: Database, worker: str = "things", **settings: Any) -> SqlSink:  # noqa: ANN401 - any setting
    known = {"table": "things", **settings}
    return SqlSink(
        SqlOutSettings(url=SecretUrl(database.url), **known),
        WorkerContext(mesh="test", worker=worker, folder=Path()),
    )


def things(database: Database) -> None:
    database.run(
        "CREATE TABLE things (id integer NOT NULL PRIMARY KEY, name varchar(200) NOT NULL, "
        "amount integer DEFAULT 7 CHECK (amount > 0))"
    )
