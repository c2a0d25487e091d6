"""What the play needs at hand: what is sent, and what runs."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from rich.console import Console

from crossdock.mesh.bus import Bus
from play.employees import Employee, make_employees
from play.ledger import Effects, expected_of
from play.orders import Order, make_orders
from play.processes import Mesh
from play.readings import Reading, make_readings
from play.report import DESTINATIONS
from play.stage import Stage


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent.

    Attributes:
        orders: By the web shop.
        employees: By the HR system, each a line of its export.
        readings: By the meters.
    """

    orders: list[Order]
    employees: list[Employee]
    readings: list[Reading]

    @property
    def size(self) -> int:
        """How many messages are sent in all."""
        return len(self.orders) + len(self.employees) + len(self.readings)

    @property
    def deliveries(self) -> int:
        """How many effects the destinations must have had in the end."""
        return sum(
            effects.total() for name, effects in self.expected().items() if name in DESTINATIONS
        )

    def expected(self) -> dict[str, Effects]:
        """Work out what must be where."""
        return expected_of(self.orders, self.employees, self.readings)

    def must_come_in(self) -> dict[str, int]:
        """Return how many must come in by contract, and be refused by source."""
        return {
            "sales.order.placed": sum(each.fate != "invalid" for each in self.orders),
            "hr.employee.changed": sum(not each.fault for each in self.employees),
            "hr-export": sum(bool(each.fault) for each in self.employees),
            "energy.meter.read": sum(each.valid for each in self.readings),
            "meters": sum(not each.valid for each in self.readings),
        }


class Scene(NamedTuple):
    """What runs while the play goes on.

    Attributes:
        stage: Where it runs.
        script: What is sent.
        mesh: The running mesh.
        bus: Connection to its broker.
        crm_url: URL of the CRM's contacts.
        console: Where to tell what happens.
    """

    stage: Stage
    script: Script
    mesh: Mesh
    bus: Bus
    crm_url: str
    console: Console


def write_script(orders: int, employees: int, readings: int) -> Script:
    """Make up what is sent: the same at each run."""
    return Script(
        orders=make_orders(orders),
        employees=make_employees(employees),
        readings=make_readings(readings),
    )
