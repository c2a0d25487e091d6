"""Follows a test message through the mesh."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from crossdock.contracts import ContractRef, Halt, Reject
from crossdock.contracts.sampling import samples
from crossdock.mesh.bus import Bus
from crossdock.mesh.finding import MessageStatus, find
from crossdock.mesh.project.contract_files import load_contracts
from crossdock.mesh.records import GROUP
from crossdock.mesh.trail import Fact, Trail
from crossdock.mesh.trail import follow as read_trail

_EVERY: Final = 0.1


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """One hop of the message.

    Attributes:
        hop: ``route NAME``, ``group NAME`` or ``destination NAME``.
        id: Id that the message had there.
        outcome: What became of it there; ``pending`` when nothing is recorded.
        after: Seconds from when it came in to when that was recorded; None for pending.
        detail: Why, in one line.
    """

    hop: str
    id: str
    outcome: str
    after: float | None = None
    detail: str = ""


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a test message.

    Attributes:
        id: Its id.
        ok: Whether all of it came to an end, where it was expected.
        seconds: From when it came in to the last record.
        hops: Each after the one that it comes from, else in the order in which they were recorded.
        problems: Why it is not ok.
    """

    id: str
    ok: bool
    seconds: float
    hops: tuple[Passed, ...]
    problems: tuple[str, ...] = ()


def document(project: Path, reference: str, seed: int) -> bytes:
    """Return a document that a contract accepts.

    Raises:
        Halt: There is no such contract, or none can be made.
    """
    try:
        contract = load_contracts(project).resolve(ContractRef.parse(reference))
        return msgspec.json.encode(next(iter(samples(contract, 1, seed))))
    except ValueError as error:
        raise Halt(f"{error}. Give a file with the data") from error
    except Reject as error:
        raise Halt(error.reason) from error


async def follow(
    bus: Bus, message_id: str, timeout_s: float, expect: frozenset[str] | None
) -> Probed:
    """Follow a message until all of it came to an end, or the time is up.

    Args:
        bus: Connection.
        message_id: Its id.
        timeout_s: Seconds to wait.
        expect: Destinations that it has to reach; None when that does not matter.

    Raises:
        Disconnected: The broker does not answer.
        Halt: The message is not there.
    """
    end = time.monotonic() + timeout_s
    while True:
        status = await find(bus, message_id)
        if status is None:
            raise Halt(f"the message {message_id} is not in this mesh: check --nats and --project")
        if status.state != "accepted" or time.monotonic() > end:
            break
        await asyncio.sleep(_EVERY)
    trail = await read_trail(bus, message_id)
    hops = () if trail is None else (*_passed(trail), *_pending(status, trail))
    problems = tuple(_problems(status, hops, expect))
    seconds = max((each.after or 0.0 for each in hops), default=0.0)
    return Probed(id=message_id, ok=not problems, seconds=seconds, hops=hops, problems=problems)


def _passed(trail: Trail) -> Iterator[Passed]:
    begin = datetime.fromisoformat(trail.stored.time)
    generations = _generations(trail)
    # A sink may be faster than the record of the route that sent to it.
    for each in sorted(trail.facts, key=lambda fact: generations.get(fact.entry.id, 0)):
        if each.kind != "audit":
            after = (datetime.fromisoformat(each.time) - begin).total_seconds()
            yield Passed(
                hop=f"{each.kind} {each.where}",
                id=each.entry.id,
                outcome=each.entry.outcome,
                after=after,
                detail=each.entry.detail,
            )


def _generations(trail: Trail) -> dict[str, int]:
    """Return for each message that derives from another how many are before it."""
    children: defaultdict[str, list[str]] = defaultdict(list)
    derived: set[str] = set()
    for each in trail.facts:
        mine = [id_ for _, id_ in each.entry.children if id_ != each.entry.id]
        children[each.entry.id] += mine
        derived.update(mine)
    found: dict[str, int] = {}
    level, number = [each for each in children if each not in derived], 1
    while level:
        level = [id_ for each in level for id_ in children[each] if id_ not in found]
        found.update(dict.fromkeys(level, number))
        number += 1
    return found


def _pending(status: MessageStatus, trail: Trail) -> Iterator[Passed]:
    told = {each.entry.id for each in trail.facts if _ended(each)}
    for route in status.routes:
        if route.state == "pending":
            yield Passed(hop=f"route {route.route}", id=status.id, outcome="pending")
        for each in route.destinations:
            if each.state == "pending" and each.id not in told:
                hop = (
                    f"group {route.route}"
                    if each.destination == GROUP
                    else (f"destination {each.destination}")
                )
                yield Passed(hop=hop, id=each.id, outcome="pending", detail=each.detail)


def _ended(fact: Fact) -> bool:
    return fact.kind in ("destination", "group")


def _problems(
    status: MessageStatus, hops: tuple[Passed, ...], expect: frozenset[str] | None
) -> Iterator[str]:
    if not status.routes:
        yield "no route takes it"
    for each in hops:
        if each.outcome == "dead":
            yield f"{each.hop}: a dead letter: {each.detail}"
        elif each.outcome == "pending":
            yield f"{each.hop}: not in time" + (f": {each.detail}" if each.detail else "")
    if expect is None:
        return
    reached = {
        each.hop.removeprefix("destination ")
        for each in hops
        if each.hop.startswith("destination ") and each.outcome in ("tested", "delivered")
    }
    if missing := sorted(expect - reached):
        yield f"did not get to {', '.join(missing)}"
    if more := sorted(reached - expect):
        yield f"got to {', '.join(more)}, which was not expected"
