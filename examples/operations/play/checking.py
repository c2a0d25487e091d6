"""Brings together what must be and what is, and gives the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
from rich.table import Table

from crossdock.contracts import keyed_id
from crossdock.mesh.records import Entry
from play import found, report
from play.ledger import Effects, Place, compare
from play.report import Flow, Source
from play.scene import Scene, Script
from play.settling import Traffic
from play.shop import Answers


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came out.

    Attributes:
        sources: What came in.
        routes: What the routes did, by the broker's streams and the mesh's records.
        destinations: What the destinations did, likewise.
        places: What is really where; none of it from the mesh's own counters.
        at_rest: Whether nothing waits any more.
        crm: How often the CRM had which bad moment.
    """

    sources: list[Source]
    routes: list[Flow]
    destinations: list[Flow]
    places: list[Place]
    at_rest: bool
    crm: dict[str, int]

    @property
    def balanced(self) -> bool:
        """Whether nothing is wrong."""
        return not any(True for _ in self.problems())

    @property
    def found(self) -> int:
        """How many effects were found."""
        return sum(each.found.total() for each in self.places)

    def problems(self) -> Iterator[str]:
        """Tell everything that is wrong, in words."""
        if not self.at_rest:
            yield "the mesh did not come to rest: something still waits, or never came in"
        for source in self.sources:
            if not source.balanced:
                yield f"{source.name}: sent is not accepted + refused"
        for flow in (*self.routes, *self.destinations):
            if not flow.balanced:
                yield f"{flow.name}: in is not out + filtered + dead"
        for place in self.places:
            yield from place.problems()

    def tables(self) -> Iterator[Table]:
        """Return the tables that show it."""
        yield report.sources_table(self.sources)
        yield report.routes_table(self.routes)
        yield report.destinations_table(self.destinations, self.places, self.crm)


async def check(
    scene: Scene,
    answers: Answers,
    traffic: Traffic,
    *,
    at_rest: bool,
    repaired: tuple[str, str] | None = None,
) -> Verdict:
    """Look everywhere, and compare.

    Args:
        scene: What runs.
        answers: What the gateway answered.
        traffic: What the broker holds.
        at_rest: Whether nothing waits any more.
        repaired: A contact that was dead, as it was and as it was sent again.
    """
    data = scene.stage.data
    crm = await found.ask_crm(scene.crm_url, scene.stage.env["CRM_TOKEN"])
    records = await found.in_records(scene.bus)
    there = {
        **found.in_tables(data),
        **found.in_files(data),
        "crm": found.in_crm(crm),
        **await found.among_dead_letters(scene.bus),
        "refused by the gateway": Counter(answers.refused.keys()),
        "filtered by orders-to-billing": _filtered(records["orders-to-billing"], answers.accepted),
        "filtered by limit-alerts": _filtered(records["limit-alerts"], _readings(scene.script)),
    }
    wanted = scene.script.expected()
    if repaired is not None:
        wanted["dead at crm"].subtract([repaired[0]])
        wanted["crm"].update([repaired[1]])
    return Verdict(
        sources=_sources(scene.script, answers, traffic),
        routes=report.route_flows(traffic, records),
        destinations=report.destination_flows(traffic, records),
        places=compare(wanted, there),
        at_rest=at_rest,
        crm=crm["counts"],
    )


def _filtered(entries: dict[int, Entry], names: dict[str, str]) -> Effects:
    """Return what a route filtered, by the names that the senders have for it."""
    return Counter(
        names.get(entry.id, f"unknown message {entry.id}")
        for entry in entries.values()
        if entry.outcome == "filtered"
    )


def _readings(script: Script) -> dict[str, str]:
    """Return each reading by the id of its message, which workers/meters.yaml defines."""
    names = (f"{each.meter} {each.at}" for each in script.readings)
    return {keyed_id("meters", name): name for name in names}


def _sources(script: Script, answers: Answers, traffic: Traffic) -> list[Source]:
    def source(name: str, how: str, sent: list[Any], **rest: Any) -> Source:  # noqa: ANN401
        return Source(name=name, how=how, sent=len(sent), **rest)

    incoming, dead = traffic.incoming, traffic.dead
    return [
        source(
            "web shop",
            "HTTP",
            script.orders,
            accepted=incoming.get("sales.order.placed", 0),
            refused=len(answers.refused),
            where="answer 400",
        ),
        source(
            "HR export",
            "CSV file",
            script.employees,
            accepted=incoming.get("hr.employee.changed", 0),
            refused=dead.get("hr-export", 0),
            where="dead letters",
        ),
        source(
            "20 meters",
            "MQTT",
            script.readings,
            accepted=incoming.get("energy.meter.read", 0),
            refused=dead.get("meters", 0),
            where="dead letters",
        ),
    ]
