"""Tables for a person: what came in, what the routes did, and what is where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from rich.table import Table

from crossdock.mesh.records import Entry
from play.ledger import Place
from play.settling import Traffic

ROUTES: Final = {
    "orders-to-billing": "sales.order.placed",
    "orders-to-crm": "sales.order.placed",
    "employees": "hr.employee.changed",
    "readings": "energy.meter.read",
    "limit-alerts": "energy.meter.read",
}
DESTINATIONS: Final = {
    "billing-eu": "SQLite",
    "billing-world": "SQLite",
    "crm": "HTTP",
    "access-control": "JSON lines",
    "training": "CSV",
    "time-series": "SQLite",
    "alerts": "JSON lines",
}

Records = Mapping[str, Mapping[int, Entry]]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table of sources.

    Attributes:
        name: What sent.
        how: By which protocol.
        sent: How much, without repeats.
        accepted: How much of it came in.
        refused: How much of it was refused.
        where: Where one sees what was refused.
    """

    name: str
    how: str
    sent: int
    accepted: int
    refused: int
    where: str

    @property
    def balanced(self) -> bool:
        """Whether nothing is unaccounted for."""
        return self.sent == self.accepted + self.refused


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """What went through one route or to one destination.

    Attributes:
        name: Its name.
        incoming: Messages that it had to take, as its stream holds them.
        out: Messages that it routed or delivered, by its records.
        filtered: Messages that it did not want, by its records.
        dead: Messages that became dead letters, by its records.
    """

    name: str
    incoming: int
    out: int
    filtered: int
    dead: int

    @property
    def balanced(self) -> bool:
        """The loss ledger: in = out + filtered + dead, for nothing is in flight any more."""
        return self.incoming == self.out + self.filtered + self.dead


def route_flows(traffic: Traffic, records: Records) -> list[Flow]:
    """Return what each route did."""
    return [
        _flow(name, traffic.incoming.get(contract, 0), records) for name, contract in ROUTES.items()
    ]


def destination_flows(traffic: Traffic, records: Records) -> list[Flow]:
    """Return what each destination got."""
    return [_flow(name, traffic.outgoing.get(name, 0), records) for name in DESTINATIONS]


def sources_table(sources: Iterable[Source]) -> Table:
    """Return the table of sources."""
    table = _table("What came in", "source", "by", "sent", "accepted", "refused", "seen in", "")
    for each in sources:
        numbers = [f"{each.sent:,}", f"{each.accepted:,}", f"{each.refused:,}"]
        table.add_row(each.name, each.how, *numbers, each.where, _verdict(each.balanced))
    return table


def routes_table(flows: Iterable[Flow]) -> Table:
    """Return the table of routes."""
    table = _table("What the routes did", "route", "in", "out", "filtered", "dead", "")
    for each in flows:
        numbers = [f"{n:,}" for n in (each.incoming, each.out, each.filtered, each.dead)]
        table.add_row(each.name, *numbers, _verdict(each.balanced))
    return table


def destinations_table(
    flows: Iterable[Flow], places: Iterable[Place], crm: Mapping[str, int]
) -> Table:
    """Return the table of destinations, with what is really there."""
    by_name = {each.name: each for each in places}
    table = _table("What is where", "destination", "by", "in", "delivered", "dead", "found", "")
    for each in flows:
        place = by_name[each.name]
        right = each.balanced and place.expected == place.found
        numbers = [f"{n:,}" for n in (each.incoming, each.out, each.dead, place.found.total())]
        table.add_row(each.name, DESTINATIONS[each.name], *numbers, _verdict(right))
    table.caption = (
        f"The CRM was busy {crm['busy']:,} times (503), lost {crm['lost']:,} answers (500) and "
        f"knew {crm['repeated']:,} repeats by their key."
    )
    return table


def _flow(name: str, incoming: int, records: Records) -> Flow:
    outcomes = Counter(entry.outcome for entry in records.get(name, {}).values())
    return Flow(
        name=name,
        incoming=incoming,
        out=outcomes["routed"] + outcomes["delivered"],
        filtered=outcomes["filtered"],
        dead=outcomes["dead"],
    )


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold cyan")
    for each in columns:
        number = each in {"in", "out", "sent", "accepted", "refused", "filtered", "dead", "count"}
        number = number or each in {"delivered", "found"}
        table.add_column(each, justify="right" if number else "left", no_wrap=number)
    return table


def _verdict(right: bool) -> str:  # noqa: FBT001 - a truth to show
    return "[green]balanced[/]" if right else "[bold red]NOT BALANCED[/]"
