"""What a running mesh is doing: numbers from the metrics of its processes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable

import msgspec

from crossdock.cli.fleet import Fleet
from crossdock.mesh.child import Child

_IN = ("crossdock_gateway_accepted_messages_total", "crossdock_source_published_messages_total")
_OUT = ("crossdock_destination_delivered_messages_total",)
_FILTERED = ("crossdock_route_filtered_messages_total",)
_DEAD = (
    "crossdock_route_dead_messages_total",
    "crossdock_destination_dead_messages_total",
    "crossdock_source_refused_messages_total",
)
_LAG = "crossdock_pending_messages"
_WAITING = "crossdock_order_waiting_keys"
_PAUSED = "crossdock_component_paused"
_SHOWN = 6


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a running mesh; messages are counted since its processes started.

    Attributes:
        incoming: Messages that came in through gateway and sources.
        delivered: Messages that destinations took.
        filtered: Messages that a route did not want.
        dead: Messages put into the dead-letter stream.
        lag: By route and destination, messages still to take; only those that have some.
        waiting: By route and destination with an order key, keys that wait for a message which
            has to be tried again; only those that have some.
        paused: Components that an operator has paused.
        processes: By name, the state of each process.
        restarts: Unexpected ends of processes.
        problems: Problems of the project files as they are now, which are not applied.
    """

    incoming: int
    delivered: int
    filtered: int
    dead: int
    lag: dict[str, int]
    waiting: dict[str, int]
    paused: tuple[str, ...]
    processes: dict[str, str]
    restarts: int
    problems: int

    def line(self) -> str:
        """Return it as one line for a person."""
        parts = [f"in {self.incoming:,}", f"out {self.delivered:,}", f"filtered {self.filtered:,}"]
        parts.append(f"dead {self.dead:,}")
        waiting = sorted(self.lag.items(), key=lambda each: -each[1])[:_SHOWN]
        parts.append("lag " + (", ".join(f"{k} {v:,}" for k, v in waiting) or "0"))
        if self.waiting:
            parts.append("keys waiting " + ", ".join(f"{k} {v:,}" for k, v in self.waiting.items()))
        if self.paused:
            parts.append(f"paused {', '.join(self.paused)}")
        bad = [f"{name} {state}" for name, state in self.processes.items() if state != "ready"]
        parts.append(", ".join(bad) or f"{len(self.processes)} processes ready")
        if self.restarts:
            parts.append(f"restarts {self.restarts}")
        if self.problems:
            parts.append(f"{self.problems} problems in project files, not applied")
        return " | ".join(parts)


async def look(fleet: Fleet, others: Iterable[Child], problems: int) -> Status:
    """Ask every process of a fleet, and return what they said; who is silent counts as nothing."""
    answers = await asyncio.gather(*(each.series() for each in fleet.endpoints.values()))
    total: Counter[str] = Counter()
    lag: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    paused: set[str] = set()
    for answer in answers:
        for (name, component), value in answer.items():
            total[name] += int(value)
            if name == _LAG and value:
                lag[component] += int(value)
            if name == _WAITING and value:
                waiting[component] += int(value)
            if name == _PAUSED and value:
                paused.add(component)
    children = [*others, *fleet.children.values()]
    return Status(
        incoming=_sum(total, _IN),
        delivered=_sum(total, _OUT),
        filtered=_sum(total, _FILTERED),
        dead=_sum(total, _DEAD),
        lag=dict(lag),
        waiting=dict(waiting),
        paused=tuple(sorted(paused)),
        processes={each.spec.name: each.state for each in children},
        restarts=sum(each.restarts for each in children),
        problems=problems,
    )


def _sum(total: Counter[str], names: Iterable[str]) -> int:
    return sum(total[name] for name in names)
