"""Every component of a mesh: how it is, what operators want of it, and what waits for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import msgspec

from crossdock.contracts import Disconnected, Halt
from crossdock.mesh.bus import Bus, ConsumerState
from crossdock.mesh.control import KINDS, ControlStore, Flow, Kind, Name, Rate, Switch, ask
from crossdock.mesh.control.acts import Act, flow_key, rate_key, switch_key
from crossdock.mesh.control.reporting import Asked, Seen
from crossdock.mesh.finding import DESTINATION_PREFIX, ROUTE_PREFIX

_WORST: Final[tuple[str, ...]] = ("halted", "paused", "starting", "stopped")
_STREAMS: Final[tuple[tuple[str, str, Kind], ...]] = (
    ("in", ROUTE_PREFIX, "route"),
    ("out", DESTINATION_PREFIX, "destination"),
)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One component.

    Attributes:
        kind: Route, destination or source.
        name: Its name.
        state: ``running``, ``paused``, ``draining``, ``drained``; by itself ``starting``,
            ``breaker open`` or ``halted``; ``not running`` when no process has it.
        problem: Why its breaker is open, or why it halted.
        rate: Messages a second that an operator allows it; None for what the project says.
        detours: Of a route: which it takes.
        pending: Messages that wait for it, and were not given to it yet.
        unsettled: Messages that were given to it and are not settled: in hand, or waiting for
            another try.
        in_hand: Messages that its replicas have, begun or not.
        replicas: Processes that have it.
        acts: What operators decided last on it, by what it is about.
        until: When its pause is over by itself, RFC 3339.
    """

    kind: str
    name: str
    state: str
    problem: str = ""
    rate: float | None = None
    detours: dict[str, bool] = {}
    pending: int = 0
    unsettled: int = 0
    in_hand: int = 0
    replicas: int = 0
    acts: dict[str, Act] = {}
    until: str = ""


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """All of them.

    Attributes:
        lines: One for each component.
        silent: Processes that should be there and did not answer.
    """

    lines: tuple[Line, ...]
    silent: tuple[str, ...]


class Mesh(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a mesh at one moment.

    Attributes:
        asked: What its processes say.
        consumers: Of routes and destinations.
        acts: What operators decided last.
    """

    asked: Asked
    consumers: dict[Name, ConsumerState]
    acts: dict[str, Act | None]

    @property
    def names(self) -> list[Name]:
        """Every component that there is: it runs, or something waits for it."""
        seen = {each.component for report in self.asked.reports for each in report.seen}
        return sorted(seen | self.consumers.keys(), key=lambda n: (KINDS.index(n.kind), n.name))

    def detours(self, route: str) -> dict[str, bool]:
        """Return the detours of a route as its processes tell of them."""
        found: dict[str, bool] = {}
        for each in self.asked.of(Name("route", route)):
            found |= each.detours
        return found

    def find(self, text: str) -> Name:
        """Return the component that is meant: ``route:orders``, or ``orders`` alone.

        Raises:
            Halt: There is none, or several.
        """
        kind, _, name = text.rpartition(":")
        found = [each for each in self.names if each.name == name and kind in ("", each.kind)]
        if len(found) == 1:
            return found[0]
        if found:
            raise Halt(f"{name[:80]!r} is several: write {' or '.join(map(str, found))}")
        there = ", ".join(map(str, self.names)) or "nothing; does the mesh run?"
        raise Halt(f"there is no {text[:80]!r}; there is {there}")


async def look(bus: Bus) -> Mesh:
    """Find out what there is.

    Raises:
        Disconnected: The broker does not answer.
    """
    return Mesh(asked=await ask(bus), consumers=await consumers(bus), acts=await _acts(bus))


async def consumers(bus: Bus) -> dict[Name, ConsumerState]:
    """Return the durable consumers of routes and destinations.

    Raises:
        Disconnected: The broker does not answer.
    """
    found: dict[Name, ConsumerState] = {}
    for stream, prefix, kind in _STREAMS:
        for each in await bus.consumers(stream):
            if each.name.startswith(prefix):
                found[Name(kind, each.name.removeprefix(prefix))] = each
    return found


def overview(mesh: Mesh) -> Overview:
    """Return a line for each component."""
    return Overview(lines=tuple(_line(mesh, name) for name in mesh.names), silent=mesh.asked.silent)


async def _acts(bus: Bus) -> dict[str, Act | None]:
    try:
        return await ControlStore(bus).read()
    except Disconnected:
        if await ControlStore(bus).version() is None:
            return {}
        raise


def _line(mesh: Mesh, name: Name) -> Line:
    seen = mesh.asked.of(name)
    consumer = mesh.consumers.get(name)
    flow = mesh.acts.get(flow_key(name))
    in_hand = sum(each.held for each in seen)
    state, problem = _state(flow if isinstance(flow, Flow) else None, seen, in_hand)
    rate = mesh.acts.get(rate_key(name))
    detours = mesh.detours(name.name) if name.kind == "route" else {}
    return Line(
        kind=name.kind,
        name=name.name,
        state=state,
        problem=problem,
        rate=rate.limit if isinstance(rate, Rate) else None,
        detours=detours,
        pending=0 if consumer is None else consumer.pending,
        unsettled=0 if consumer is None else consumer.unsettled,
        in_hand=in_hand,
        replicas=len(seen),
        acts=_acts_on(mesh, name, detours),
        until=flow.until if isinstance(flow, Flow) and state == "paused" else "",
    )


def _acts_on(mesh: Mesh, name: Name, detours: Iterable[str]) -> dict[str, Act]:
    keys = {"flow": flow_key(name), "rate": rate_key(name)}
    keys |= {f"detour {each}": switch_key(name.name, each) for each in detours}
    found = {what: mesh.acts.get(key) for what, key in keys.items()}
    return {what: act for what, act in found.items() if act is not None}


def _state(flow: Flow | None, seen: list[Seen], in_hand: int) -> tuple[str, str]:
    """Return the state to show; what an operator wants comes before what it does by itself."""
    bad = sorted(
        (each for each in seen if each.state in _WORST), key=lambda each: _WORST.index(each.state)
    )
    problem = bad[0].reason if bad else ""
    wanted = "running" if flow is None else flow.state_at(datetime.now(UTC))
    if bad and bad[0].state == "halted":
        return "halted", problem
    if wanted == "draining":
        return "draining" if in_hand else "drained", problem
    if wanted == "paused":
        return wanted, problem
    if not seen:
        return "not running", ""
    if bad:
        return "breaker open" if bad[0].state == "paused" else bad[0].state, problem
    return wanted, ""


def switches(acts: dict[str, Act]) -> list[str]:
    """Return the detours that operators have switched, as words."""
    return [
        f"{what} {'on' if act.on else 'off'}"
        for what, act in acts.items()
        if isinstance(act, Switch)
    ]
