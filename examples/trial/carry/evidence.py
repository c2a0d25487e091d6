"""What can be seen from outside: targets, dead letters, records, and what is still on its way."""

from __future__ import annotations

import csv
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final, Self

import msgspec

from carry.lines import Lines, Row
from carry.mesh import Failed
from carry.stage import Stage
from crossdock.cli.connection import find
from crossdock.contracts import Subjects
from crossdock.mesh import dead_letters, records
from crossdock.mesh.bus import Bus
from crossdock.mesh.bus.consumers import list_consumers
from crossdock.mesh.dead_letters import DeadLetter

_TARGETS: Final = {
    "sales-book": ("sales.db", "purchases"),
    "pressure-chart": ("weather.db", "reports"),
    "room-climate": ("climate.db", "climate"),
}
_FLOW: Final = "flow.csv"
_STALE: Final = "stale-air.jsonl"
_MQTT_STREAM: Final = "$MQTT_msgs"  # where nats-server keeps what it has acknowledged to the meter


class Seen(msgspec.Struct):
    """What the streams of the mesh tell.

    Attributes:
        filtered: By route, ids of the messages that it filtered.
        deliveries: By destination, how often a message was delivered, repeats too.
        dead: The dead letters.
    """

    filtered: dict[str, set[str]] = {}
    deliveries: Counter[str] = msgspec.field(default_factory=Counter)
    dead: list[DeadLetter] = []


class Evidence:
    """Looks into a running mesh."""

    def __init__(self, bus: Bus, stage: Stage) -> None:
        self._bus = bus
        self._stage = stage

    @classmethod
    async def open(cls, stage: Stage) -> Self:
        """Connect to the broker of the running mesh.

        Raises:
            Failed: None is running.
        """
        found = find(stage.project)
        if found is None:
            raise Failed("the mesh is not running")
        return cls(await Bus.connect(found.nats, Subjects("trial"), name="trial"), stage)

    async def close(self) -> None:
        """Disconnect."""
        await self._bus.close()

    async def seen(self) -> Seen:
        """Read the records and the dead letters."""
        seen = Seen()
        async for stored in self._bus.read("record"):
            record = records.read(stored.data)
            for entry in record.entries:
                if entry.outcome == "filtered":
                    seen.filtered.setdefault(record.where, set()).add(entry.id)
                elif entry.outcome == "delivered":
                    seen.deliveries[record.where] += 1
        seen.dead = [letter async for letter in dead_letters.listing(self._bus)]
        return seen

    async def is_quiet(self, room: Lines) -> bool:
        """Tell whether everything that was handed over has arrived somewhere.

        Looked at in the order in which messages travel, so that none slips past.
        """
        if any((self._stage.data / "incoming").glob("*.csv")) or not self._has_read_all(room):
            return False
        if any(each.lag for each in await list_consumers(self._bus.client, _MQTT_STREAM)):
            return False
        for kind in ("in", "out"):
            if any(each.lag for each in await self._bus.consumers(kind)):
                return False
        return True

    def _has_read_all(self, room: Lines) -> bool:
        # The table is shorter than the overlap of sql-in, so each row is listed as done.
        with closing(sqlite3.connect(self._stage.data / "building.db")) as database:
            found = database.execute("SELECT position FROM crossdock_progress").fetchone()
        return found is not None and len(msgspec.json.decode(found[0])["done"]) == len(
            room.records()
        )


def delivered(stage: Stage) -> Counter[Row]:
    """Return what is at the destinations, how often each."""
    return Counter(_rows(stage))


def count(stage: Stage, destination: str) -> int:
    """Return how many rows a destination has; cheap."""
    if destination in _TARGETS:
        name, table = _TARGETS[destination]
        with closing(sqlite3.connect(stage.data / name)) as database:
            rows: int = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - a constant
            return rows
    file = _FLOW if destination == "flow-series" else _STALE
    return _text(stage, file).count("\n") - (destination == "flow-series")


def _rows(stage: Stage) -> Iterator[Row]:
    for destination, (name, table) in _TARGETS.items():
        with closing(sqlite3.connect(stage.data / name)) as database:
            for row in database.execute(f"SELECT * FROM {table}"):  # noqa: S608 - a constant
                yield (destination, *row)
    for cells in csv.DictReader(_text(stage, _FLOW).splitlines()):
        yield ("flow-series", cells["at"], float(cells["litres_per_second"]))
    for line in _text(stage, _STALE).splitlines():
        value: dict[str, Any] = msgspec.json.decode(line)
        names = ("local_time", "celsius", "humidity", "lux", "co2_ppm")
        yield ("stale-air", *(value[name] for name in names))


def _text(stage: Stage, name: str) -> str:
    """Return what a file holds, nothing before its first line is there."""
    path = stage.data / name
    return path.read_text() if path.exists() else ""
