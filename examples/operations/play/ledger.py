"""What must be where, what is there, and how the two differ. Pure: no file, no network.

Both sides are multisets of short texts, one for each effect: ``A-00017 39.80`` in the table of
invoices, ``employees.csv:84`` among the dead letters. So a lost message, a second effect, a wrong
value and an effect out of nothing are all told apart from what is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from play.employees import FILE, Employee
from play.orders import Order
from play.readings import LIMIT, Reading

Effects = Counter[str]

_SHOWN = 3


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One place where messages end.

    Attributes:
        name: Name of the place.
        expected: The effects that it must hold.
        found: The effects that it holds.
    """

    name: str
    expected: Effects
    found: Effects

    @property
    def missing(self) -> Effects:
        """What should be there and is not."""
        return self.expected - self.found

    @property
    def surplus(self) -> Effects:
        """What is there and should not be, or not so often."""
        return self.found - self.expected

    def problems(self) -> Iterator[str]:
        """Tell in words how the two differ."""
        twice = Counter({key: n for key, n in self.surplus.items() if key in self.expected})
        unexpected = self.surplus - twice
        for what, effects in (
            ("missing", self.missing),
            ("there more than once", twice),
            ("there, and nobody sent it", unexpected),
        ):
            if effects:
                examples = ", ".join(repr(each) for each in sorted(effects)[:_SHOWN])
                yield f"{self.name}: {effects.total():,} {what}, for example {examples}"


def compare(expected: Mapping[str, Effects], found: Mapping[str, Effects]) -> list[Place]:
    """Bring both sides together, place by place."""
    return [
        Place(name=name, expected=expected.get(name, Counter()), found=found.get(name, Counter()))
        for name in sorted(expected.keys() | found.keys())
    ]


def expected_of(
    orders: Iterable[Order], employees: Iterable[Employee], readings: Iterable[Reading]
) -> dict[str, Effects]:
    """Work out what must be where, from what was sent and the story alone."""
    return {**_of_orders(orders), **_of_employees(employees), **_of_readings(readings)}


def contact(number: str, email: str, items: int) -> str:
    """Return the effect of one order in the CRM."""
    return f"{number} {email} {items}"


def _of_orders(orders: Iterable[Order]) -> dict[str, Effects]:
    places = {
        "refused by the gateway": Effects(),
        "filtered by orders-to-billing": Effects(),
        "billing-eu": Effects(),
        "billing-world": Effects(),
        "crm": Effects(),
        "dead at crm": Effects(),
    }
    for order in orders:
        if order.fate == "invalid":
            places["refused by the gateway"][order.number] += 1
            continue
        if order.fate == "free":
            places["filtered by orders-to-billing"][order.number] += 1
        else:
            office = "billing-eu" if order.in_union else "billing-world"
            places[office][f"{order.number} {order.amount}"] += 1
        email = order.body["customer"]["email"]
        place = "dead at crm" if order.fate == "unknown-mail" else "crm"
        places[place][contact(order.number, email, order.items)] += 1
    return places


def _of_employees(employees: Iterable[Employee]) -> dict[str, Effects]:
    places = {"access-control": Effects(), "training": Effects(), "dead at hr-export": Effects()}
    for each in employees:
        if each.fault:
            places["dead at hr-export"][f"{FILE}:{each.line}"] += 1
            continue
        active = "active" if each.active else "gone"
        places["access-control"][f"{each.number} {each.site} {active}"] += 1
        if each.course:
            places["training"][f"{each.number} {each.course}"] += 1
    return places


def _of_readings(readings: Iterable[Reading]) -> dict[str, Effects]:
    places = {
        "time-series": Effects(),
        "alerts": Effects(),
        "filtered by limit-alerts": Effects(),
        "dead at meters": Effects(),
    }
    for each in readings:
        when = f"{each.meter} {each.at}"
        if not each.valid:
            places["dead at meters"][when] += 1
            continue
        places["time-series"][f"{when} {each.kwh:.3f}"] += 1
        if each.watt > LIMIT:
            places["alerts"][f"{when} {each.watt}"] += 1
        else:
            places["filtered by limit-alerts"][when] += 1
    return places
