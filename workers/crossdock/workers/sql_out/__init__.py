"""`sql-out`: rows into a table of SQLite or PostgreSQL, each message once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossdock.workers.adapter import Adapter, WorkerContext
from crossdock.workers.needing import need
from crossdock.workers.sql_out.settings import SqlOutSettings

if TYPE_CHECKING:
    from crossdock.workers.sql_out.sink import SqlSink

__all__ = ["SqlOutSettings", "adapter"]

need("sqlalchemy")


def _make(settings: SqlOutSettings, context: WorkerContext) -> SqlSink:
    from crossdock.workers.sql_out.sink import SqlSink  # noqa: PLC0415 - see crossdock.workers.needing

    return SqlSink(settings, context)


adapter = Adapter(
    name="sql-out",
    summary="Insert or upsert rows into a table; the inbox is in the same transaction.",
    direction="sink",
    settings=SqlOutSettings,
    make=_make,
    in_order=True,
    places=SqlOutSettings.places,
)
