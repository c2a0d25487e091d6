"""The four files: their lines, and what each line should become, read without Crossdock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

Row = tuple[str | int | float | None, ...]
"""Destination, then what is found there."""

_NUMBERS_FROM, _NUMBERS_TO = 1, 14  # columns of the weather that are numbers
_PRESSURE = 12
_STALE_PPM = 1000


class Kind(msgspec.Struct, frozen=True):
    """One of the four files.

    Attributes:
        file: Its name.
        headers: Lines at its start that are no records.
        route: Route that its records take.
        source: Worker through which they come in, ``""`` for the gateway.
        destinations: Where its route may send them.
        wanted: Where a line has to arrive, and as what; None when its route filters it.
    """

    file: str
    headers: int
    route: str
    source: str
    destinations: tuple[str, ...]
    wanted: Callable[[str], Row | None]


class Lines(msgspec.Struct, frozen=True):
    """The lines of one file.

    Attributes:
        kind: Which file.
        path: Where it is.
        all: Each line without its end, the headers too.
    """

    kind: Kind
    path: Path
    all: list[str]

    def records(self) -> list[tuple[int, str]]:
        """Return the lines that are records, with their numbers from 1."""
        numbered = list(enumerate(self.all, start=1))
        return numbered[self.kind.headers :]

    def place(self, number: int) -> str:
        """Return what names a line."""
        return f"{self.kind.file}:{number}"


def _sale(line: str) -> Row | None:
    customer, _, date, cds, dollars = line.split()
    day = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    return None if float(dollars) == 0 else ("sales-book", customer, day, int(cds), float(dollars))


def _report(line: str) -> Row | None:
    cells = [None if cell == "NA" else cell for cell in line.split(",")]
    if cells[_PRESSURE] is None:
        return None
    numbers = [cell if cell is None else float(cell) for cell in cells[_NUMBERS_FROM:_NUMBERS_TO]]
    return ("pressure-chart", cells[0], *numbers, cells[_NUMBERS_TO])


def _reading(line: str) -> Row:
    at, flow = line.split(",")
    return ("flow-series", at, float(flow))


def _sensed(line: str) -> Row:
    time, *cells = line.split(",")
    numbers = [float(cell) for cell in cells]
    where = "stale-air" if numbers[-1] > _STALE_PPM else "room-climate"
    return (where, time, *numbers)


PURCHASES: Final = Kind("cdnow-purchases.txt", 0, "purchases", "", ("sales-book",), _sale)
WEATHER: Final = Kind(
    "nyc-weather-2013.csv", 1, "weather", "stations", ("pressure-chart",), _report
)
FLOW: Final = Kind("water-flow.csv", 1, "flow", "flow-meter", ("flow-series",), _reading)
ROOM: Final = Kind(
    "room-occupancy.csv", 1, "room", "room-sensors", ("room-climate", "stale-air"), _sensed
)
KINDS: Final = (PURCHASES, WEATHER, FLOW, ROOM)


def read_lines(folder: Path) -> dict[Kind, Lines]:
    """Read the four files.

    Raises:
        OSError: One of them cannot be read.
    """
    found = {}
    for kind in KINDS:
        path = folder / kind.file
        lines = path.read_bytes().decode().removesuffix("\n").split("\n")
        found[kind] = Lines(kind, path, [line.removesuffix("\r") for line in lines])
    return found
