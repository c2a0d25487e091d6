"""What a route that keeps messages until others come makes of its examples, without a broker."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import msgspec

from crossdock.contracts import Message
from crossdock.mesh.expression import Json
from crossdock.mesh.groups import Arrival, Group, Rule
from crossdock.mesh.groups.folding import Closed
from crossdock.mesh.groups.sequencing import join, time_up
from crossdock.mesh.groups.writing import message_of
from crossdock.router.compiled import CompiledRoute
from crossdock.router.deciding import Decision

NOT_COMPLETE = "its group is not complete"
_NOW = 1_000_000_000_000
_LATER = 1 << 60


def rehearse(
    route: CompiledRoute,
    messages: Sequence[Message],
    decide: Callable[[Message], Decision],
    *,
    time_is_up: bool,
) -> Decision:
    """Decide messages one after the other, then the groups that they completed.

    Args:
        route: A route that aggregates or resequences.
        messages: What comes in.
        decide: Tells what the route makes of one message.
        time_is_up: Whether the time of every open group is up in the end.

    Returns:
        One decision for all: what is sent, or the first that is rejected.
    """
    decisions = [decide(each) for each in messages]
    arrivals = [each for decision in decisions for each in decision.arrivals]
    decisions += [
        decide(message_of(each, route.source))
        for each in _closed(route, arrivals, time_is_up=time_is_up)
    ]
    rejected = next((each for each in decisions if each.outcome == "rejected"), None)
    if rejected is not None:
        return rejected
    children = tuple(child for each in decisions for child in each.children)
    reasons = [each.reason for each in decisions if each.outcome == "filtered"]
    return Decision(
        outcome="routed" if children else "filtered",
        children=children,
        conditions=tuple(dict.fromkeys(c for each in decisions for c in each.conditions)),
        branches=tuple(dict.fromkeys(b for each in decisions for b in each.branches)),
        steps=tuple(step for each in decisions for step in each.steps),
        reason="" if children else (reasons or [NOT_COMPLETE])[0],
    )


def _closed(route: CompiledRoute, arrivals: Sequence[Arrival], *, time_is_up: bool) -> list[Closed]:
    """Let members join, and return the groups that became complete."""
    rule = route.grouping or Rule()
    numbers = itertools.count(1)

    def mint() -> str:
        return f"group-{next(numbers)}"

    closed: list[Closed] = []
    for key, mine in _by_key(arrivals).items():
        start = Group(key=msgspec.json.decode(key))
        folded = join(rule, start, mine, now=_NOW, mint=mint)
        closed += folded.closed
        if time_is_up:
            late = time_up(rule, folded.group, now=_LATER, mint=mint)
            closed += late.closed if late is not None else ()
    return closed


def _by_key(arrivals: Sequence[Arrival]) -> dict[bytes, list[Arrival]]:
    found: dict[bytes, list[Arrival]] = {}
    for each in arrivals:
        key: Json = each.key
        found.setdefault(msgspec.json.encode(key), []).append(each)
    return found
