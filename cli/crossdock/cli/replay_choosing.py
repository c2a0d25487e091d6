"""Which messages a replay sends, fixed before the first is sent."""

from __future__ import annotations

import msgspec

from crossdock.cli.stream_range import Range
from crossdock.contracts import Reject
from crossdock.contracts.ids import new_id
from crossdock.mesh.bus import Bus
from crossdock.mesh.dead_letters import redrive_subject
from crossdock.mesh.finding import DESTINATION_PREFIX, ROUTE_PREFIX
from crossdock.mesh.replaying import Replay, Replays


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants to be sent again.

    Attributes:
        route: To this route, or None.
        destination: To this destination, or None.
        contract: Only of this contract.
        span: From where to where.
        limit: At most so many; None for all.
        rate: How many a second.
    """

    route: str | None
    destination: str | None
    contract: str | None
    span: Range
    limit: int | None
    rate: float | None


async def begin_replay(bus: Bus, selection: Selection) -> Replay:
    """Return a replay that has not begun.

    Raises:
        Reject: There is no such route or destination, or it does not take the contract.
        Disconnected: The broker does not answer.
    """
    kind = "in" if selection.route is not None else "out"
    where = selection.route or selection.destination or ""
    subjects = await _subjects(bus, selection, kind, where)
    first, last, count = 0, 0, 0
    async for stored in bus.read(
        kind, sequence=selection.span.sequence or 1, since=selection.span.since
    ):
        if selection.span.is_over(stored.sequence, stored.time):
            break
        if stored.subject in subjects:
            first, last, count = first or stored.sequence, stored.sequence, count + 1
            if count == selection.limit:
                break
    target = bus.subjects.outgoing(where) if kind == "out" else redrive_subject(bus, where)
    return Replay(
        id=new_id()[-12:],
        kind="in" if kind == "in" else "out",
        where=where,
        subjects=tuple(sorted(subjects)),
        target=target,
        last=last,
        rate=selection.rate,
        total=count,
        next=first,
    )


async def find_replay(bus: Bus, replay_id: str) -> Replay:
    """Return a replay as far as it came.

    Raises:
        Reject: There is none of that name.
        Disconnected: The broker does not answer.
    """
    found = await Replays(bus).find(replay_id)
    if found is None:
        raise Reject(f"there is no replay {replay_id[:40]!r}")
    return found


async def _subjects(bus: Bus, selection: Selection, kind: str, where: str) -> set[str]:
    prefix = ROUTE_PREFIX if kind == "in" else DESTINATION_PREFIX
    consumers = {each.name: each for each in await bus.consumers(kind)}
    consumer = consumers.get(prefix + where)
    if consumer is None:
        there = ", ".join(sorted(each.removeprefix(prefix) for each in consumers)) or "none"
        raise Reject(f"the mesh has no {where[:60]!r}; there is {there}")
    found = {each for each in consumer.filters if each != redrive_subject(bus, where)}
    if selection.contract is None or kind == "out":
        return found
    wanted = bus.subjects.incoming(selection.contract)
    if wanted not in found:
        raise Reject(f"{where} does not take {selection.contract[:60]}")
    return {wanted}
