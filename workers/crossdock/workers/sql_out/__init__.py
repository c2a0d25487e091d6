"""`sql-out`: rows into a table of SQLite or PostgreSQL, each message once."""

from crossdock.workers.adapter import Adapter
from crossdock.workers.sql_out.settings import SqlOutSettings
from crossdock.workers.sql_out.sink import SqlSink

__all__ = ["SqlOutSettings", "SqlSink", "adapter"]

adapter = Adapter(
    name="sql-out",
    summary="Insert or upsert rows into a table; the inbox is in the same transaction.",
    direction="sink",
    settings=SqlOutSettings,
    make=SqlSink,
)
