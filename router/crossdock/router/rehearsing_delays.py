"""What a route that delays messages makes of its examples, without a broker and without waiting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from crossdock.contracts import Message, Reject
from crossdock.contracts.expiry import read_time, write_time
from crossdock.mesh.project.scalars import Duration
from crossdock.router.compiled import CompiledRoute
from crossdock.router.deciding import Decision, expired


def rehearse_delay(
    route: CompiledRoute, message: Message, decide: Callable[[Message], Decision], waits: str | None
) -> Decision:
    """Decide what becomes of a message, then of what waits of it, as if its time had come.

    Args:
        route: The route; one without ``delay`` sends at once.
        message: What comes in, at its ``time``.
        decide: Tells what the route makes of a message.
        waits: For how long it should wait, or until when; None when that does not matter.

    Raises:
        ValueError: It waits until another time, or ``waits`` is neither.
    """
    decision = decide(message)
    accepted = read_time(message.time) or datetime.now(UTC)
    try:
        dues = [] if route.delay is None else [route.delay.due(x, accepted) for x in decision.held]
    except Reject as error:
        return Decision(outcome="rejected", reason=error.reason)
    if waits is not None:
        _check(waits, accepted, dues)
    if decision.outcome != "delayed":
        return decision
    later = [
        expired(route, each.message, due) or decide(each.message)
        for each, due in zip(decision.held, dues, strict=True)
    ]
    return _together(decision, later)


def _together(first: Decision, later: list[Decision]) -> Decision:
    rejected = next((each for each in later if each.outcome == "rejected"), None)
    if rejected is not None:
        return rejected
    children = (*first.children, *(child for each in later for child in each.children))
    return msgspec.structs.replace(
        first,
        outcome="routed" if any(each.outcome == "routed" for each in later) else "filtered",
        children=children,
        conditions=tuple(dict.fromkeys(c for each in (first, *later) for c in each.conditions)),
        branches=tuple(dict.fromkeys(b for each in later for b in each.branches)),
        reason=next((each.reason for each in later if each.reason), ""),
        held=(),
    )


def _check(waits: str, accepted: datetime, dues: list[datetime]) -> None:
    wanted = read_time(waits)
    if wanted is None:
        try:
            wanted = accepted + timedelta(seconds=Duration.parse(waits))
        except ValueError as error:
            raise ValueError("waits is a duration such as 15m, or a time with its zone") from error
    if not dues:
        raise ValueError("expected to wait, but it does not")
    for due in dues:
        if abs(due - wanted) >= timedelta(milliseconds=1):
            raise ValueError(
                f"expected to wait until {write_time(wanted)}, but it waits until {write_time(due)}"
            )
