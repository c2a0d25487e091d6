"""The HR system: a CSV export, some lines of which are broken, always."""

from __future__ import annotations

import csv
from pathlib import Path
from random import Random
from typing import Final, Literal

import msgspec

Fault = Literal["", "date", "site", "number", "columns"]

FILE: Final = "employees.csv"
COLUMNS: Final = ("number", "name", "department", "site", "start", "active")
TRAINED: Final = {"production": "machine safety", "research": "laboratory safety"}
_FAULTS: Final[tuple[Fault, ...]] = ("date", "site", "number", "columns")
_BROKEN_EVERY: Final = 83
_SITES: Final = ("berlin", "lyon", "porto")
_DEPARTMENTS: Final = ("research", "sales", "production", "office")


class Employee(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the export.

    Attributes:
        line: Its line in the file, from 2: the first one names the columns.
        number: Number of the employee.
        department: Where they work.
        site: In which town.
        active: Whether they still do.
        fault: What is wrong with the line.
    """

    line: int
    number: int
    department: str
    site: str
    active: bool
    fault: Fault

    @property
    def course(self) -> str:
        """The course that they have to take, ``""`` for none."""
        return TRAINED.get(self.department, "") if self.active else ""

    def cells(self) -> list[str]:
        """Return the line as the HR system writes it."""
        return [
            f"no {self.number}" if self.fault == "number" else str(self.number),
            f"Employee, {self.number}",
            self.department,
            "atlantis" if self.fault == "site" else self.site,
            "1.12.2026" if self.fault == "date" else "2026-12-01",
            *(() if self.fault == "columns" else ("true" if self.active else "false",)),
        ]


def make_employees(count: int, seed: int = 2) -> list[Employee]:
    """Make the lines of the export: the same ones each time."""
    chance = Random(seed)  # noqa: S311 - an example, the same at each run
    return [
        Employee(
            line=number + 1,
            number=number,
            department=chance.choice(_DEPARTMENTS),
            site=chance.choice(_SITES),
            active=chance.random() < 0.9,  # noqa: PLR2004 - nine of ten stay
            fault="" if number % _BROKEN_EVERY else _FAULTS[number // _BROKEN_EVERY % 4],
        )
        for number in range(1, count + 1)
    ]


def export(employees: list[Employee], folder: Path) -> None:
    """Write the file; it appears under its name when it is complete."""
    hidden = folder / f".{FILE}"
    with hidden.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(each.cells() for each in employees)
    hidden.rename(folder / FILE)
