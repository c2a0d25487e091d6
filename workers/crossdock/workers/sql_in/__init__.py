"""`sql-in`: receives the rows of a table by a column that grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossdock.workers.adapter import Adapter, WorkerContext
from crossdock.workers.needing import need
from crossdock.workers.sql_in.settings import SqlInSettings

if TYPE_CHECKING:
    from crossdock.workers.sql_in.source import SqlSource

__all__ = ["SqlInSettings", "adapter"]

need("sqlalchemy")


def _make(settings: SqlInSettings, context: WorkerContext) -> SqlSource:
    from crossdock.workers.sql_in.source import SqlSource  # noqa: PLC0415 - see crossdock.workers.needing

    return SqlSource(settings, context)


adapter = Adapter(
    name="sql-in",
    summary="Receives new rows of a table, by a column that grows; progress is kept durably.",
    direction="source",
    settings=SqlInSettings,
    make=_make,
    places=SqlInSettings.places,
)
