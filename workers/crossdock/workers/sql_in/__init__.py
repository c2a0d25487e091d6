"""`sql-in`: receives the rows of a table by a column that grows."""

from crossdock.workers.adapter import Adapter
from crossdock.workers.sql_in.settings import SqlInSettings
from crossdock.workers.sql_in.source import SqlSource

__all__ = ["SqlInSettings", "SqlSource", "adapter"]

adapter = Adapter(
    name="sql-in",
    summary="Receives new rows of a table, by a column that grows; progress is kept durably.",
    direction="source",
    settings=SqlInSettings,
    make=SqlSource,
)
