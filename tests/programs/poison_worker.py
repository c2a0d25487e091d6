"""``crossdock worker`` with one more adapter, ``poison-out``: sql-out that bad messages hurt.

What a message does says its number: ``raise-…`` raises, ``exit-…`` ends the process, ``hang-…``
never comes back.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from importlib.metadata import EntryPoint

from crossdock.cli.main import app
from crossdock.contracts import CrossdockError
from crossdock.workers import registry
from crossdock.workers.adapter import Adapter, Delivery, WorkerContext
from crossdock.workers.sql_out.settings import SqlOutSettings
from crossdock.workers.sql_out.sink import SqlSink


class PoisonSink(SqlSink):
    """Looks at each message before any is written, as a bug in a mapping would."""

    async def deliver(self, deliveries: Sequence[Delivery]) -> Sequence[CrossdockError | None]:
        """Deliver, if no message of the batch is poison."""
        for each in deliveries:
            match str(each.value["order"]).partition("-")[0]:
                case "raise":
                    raise ValueError("a bug")
                case "exit":
                    os._exit(9)
                case "hang":
                    await asyncio.Event().wait()
        return await super().deliver(deliveries)


def make(settings: SqlOutSettings, context: WorkerContext) -> PoisonSink:
    """Make the sink."""
    return PoisonSink(settings, context)


adapter = Adapter(
    name="poison-out",
    summary="For a test only.",
    direction="sink",
    settings=SqlOutSettings,
    make=make,
)


class _Point(EntryPoint):
    def load(self) -> Adapter:
        return adapter


if __name__ == "__main__":
    point = _Point(name="poison-out", value="poison_worker:adapter", group=registry.GROUP)
    installed = registry._entry_points
    registry._entry_points = lambda: installed() | {"poison-out": point}
    app()
