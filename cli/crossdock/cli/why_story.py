"""The story of a message: what was recorded of it, and why each route did what it did."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from crossdock.cli.why_hops import Hop, SentAgain, Story
from crossdock.contracts import CrossdockError, Message, Reject
from crossdock.contracts.reference import version_of
from crossdock.contracts.replying import REPLY
from crossdock.contracts.slips import name_of, route_of, slip_of
from crossdock.mesh.bus import Bus
from crossdock.mesh.project.contract_files import load_contracts
from crossdock.mesh.records import GROUP, Entry, contract_of
from crossdock.mesh.telemetry.trace_context import trace_id, valid_traceparent
from crossdock.mesh.trail import Fact, Trail
from crossdock.router.explaining import Explanation, Recorded, contracts_of, explain
from crossdock.router.loading import load_router
from crossdock.router.revision import Revision, Revisions, rebuild

_KEPT = "as it was then"
_NOW = "as it was then and is now"
_CHANGED = "its route of then is not kept: this is what the present one makes of it"


class Teller:
    """Tells stories with the routes and contracts of a project."""

    def __init__(self, bus: Bus, project: Path) -> None:
        """Read the project.

        Raises:
            Halt: It cannot be used.
        """
        loaded = load_router(project)
        self._bus = bus
        self._mesh = loaded.mesh
        self._now = loaded.routes
        self._processes = loaded.processes
        self._registry = load_contracts(project)
        self._revisions = Revisions(bus)

    async def tell(self, trail: Trail, asked: str) -> Story:
        """Tell the story of a message.

        Raises:
            Disconnected: The broker does not answer.
        """
        message, stored = trail.message, trail.stored
        traceparent = message.extensions.get("traceparent", "")
        recorded = {each.where for each in trail.facts if _is_of(each, "route", message.id)}
        routes = sorted(recorded | set(trail.routes))
        return Story(
            id=message.id,
            asked=asked if asked != message.id else "",
            source=message.source,
            contract=message.type,
            version=version_of(message.dataschema) or "",
            accepted=stored.time,
            sequence=stored.sequence,
            cause=message.extensions.get("causationid", ""),
            correlation=message.correlation,
            trace=trace_id(traceparent) if valid_traceparent(traceparent) else "",
            hops=tuple([await self._route(trail, each, message) for each in routes]),
        )

    async def _route(self, trail: Trail, name: str, message: Message) -> Hop:
        fact = trail.last("route", name, message.id)
        if fact is None:
            return Hop(kind="route", where=name, id=message.id, outcome="pending")
        hop = msgspec.structs.replace(_hop(fact), slip=_slip(message))
        hop = msgspec.structs.replace(hop, **await self._why(fact, message))
        nexts = await self._nexts(trail, name, fact.entry)
        again = _again(trail, name, message.id)
        for each in again:
            nexts += await self._sent_again(trail, name, each.id)
        return msgspec.structs.replace(hop, again=again, next=tuple(nexts))

    async def _sent_again(self, trail: Trail, route: str, message_id: str) -> list[Hop]:
        fact = trail.last("route", route, message_id)
        stored = None if fact is None else await self._bus.read_one("in", fact.entry.sequence)
        if stored is None:
            return [Hop(kind="route", where=route, id=message_id, outcome="pending")]
        message = Message.from_headers(stored.headers, stored.data)
        return [await self._route(trail, route, message)]

    async def _nexts(self, trail: Trail, route: str, entry: Entry) -> list[Hop]:
        """Tell what became of what was made; ``entry`` is of the message it was made of."""
        hops: list[Hop] = []
        for where, child in entry.children:
            stop = route_of(where)
            if stop is not None:
                hops += await self._sent_again(trail, stop, child)
            elif where == GROUP:
                hops.append(await self._second(trail, route, child, entry))
            else:
                hops.append(await self._destination(trail, where, child))
        return hops

    async def _second(self, trail: Trail, route: str, own_id: str, entry: Entry) -> Hop:
        """Tell of a group that the message has joined, or of what waits of it."""
        delayed = entry.outcome == "delayed"
        kind = "delay" if delayed else "group"
        fact = trail.last("group", route, own_id)
        if fact is None:
            waits = entry.detail if delayed else "it is not complete yet"
            return Hop(kind=kind, where=route, id=own_id, outcome="pending", detail=waits)
        again = _again(trail, route, own_id)
        nexts = await self._nexts(trail, route, fact.entry)
        nexts += [await self._second(trail, route, each.id, entry) for each in again]
        hop = msgspec.structs.replace(_hop(fact), kind=kind)
        return msgspec.structs.replace(hop, again=again, next=tuple(nexts))

    async def _destination(self, trail: Trail, name: str, message_id: str) -> Hop:
        if name == REPLY:
            return Hop(kind="reply", where="whoever asked", id=message_id, outcome="delivered")
        fact = trail.last("destination", name, message_id)
        if fact is None:
            return Hop(kind="destination", where=name, id=message_id, outcome="pending")
        again = _again(trail, name, message_id)
        nexts = [await self._answer(trail, *each) for each in fact.entry.children]
        nexts += [await self._destination(trail, name, each.id) for each in again]
        return msgspec.structs.replace(_hop(fact), again=again, next=tuple(nexts))

    async def _answer(self, trail: Trail, where: str, message_id: str) -> Hop:
        """Tell of what a system answered, and of the routes that took it."""
        routes = {each.where for each in trail.facts if _is_of(each, "route", message_id)}
        hops = [
            hop
            for name in sorted(routes)
            for hop in await self._sent_again(trail, name, message_id)
        ]
        return Hop(
            kind="answer",
            where=contract_of(where) or where,
            id=message_id,
            outcome="published",
            next=tuple(hops),
        )

    async def _why(self, fact: Fact, message: Message) -> dict[str, object]:
        """Return what the explanation adds to a hop."""
        if fact.where in self._processes:  # its entry says which step its instance took
            return {"policy": self._processes[fact.where].compiled.on_failure}
        revision = await self._revision(fact)
        now = self._now.get(fact.where)
        if revision is None and now is None:
            return {"note": "the route is gone, and its state of then is not kept"}
        same = now is not None and now.revision.name == fact.revision
        shown = now.revision if revision is None and now is not None else revision
        assert shown is not None  # noqa: S101 - one of the two is there, see above
        try:
            route = rebuild(shown, self._registry, mesh=self._mesh.mesh)
            personal = self._registry.about(message.type).personal
            recorded = Recorded(
                time=datetime.fromisoformat(fact.time),
                detail=fact.entry.detail,
                children=fact.entry.children,
                detours=fact.detours,
            )
            others = any(self._registry.about(each).personal for each in contracts_of(route))
            whole = await self._bus.claim_checks.fetch(message)
            why = explain(route, whole, recorded, personal, others=others)
        except CrossdockError as error:
            return {"note": f"it cannot be told any more: {error.reason}"}
        return {
            "why": why,
            "policy": route.on_failure,
            "revision_is": _NOW if same else _CHANGED if revision is None else _KEPT,
            "note": _note(fact, why, kept=revision is not None),
        }

    async def _revision(self, fact: Fact) -> Revision | None:
        now = self._now.get(fact.where)
        if now is not None and now.revision.name == fact.revision:
            return now.revision
        return await self._revisions.find(fact.where, fact.revision) if fact.revision else None


def _note(fact: Fact, why: Explanation, *, kept: bool) -> str:
    if not why.outcome:
        return why.reason
    made = tuple(each for each in fact.entry.children if each[0] != GROUP)
    if kept and fact.entry.outcome != "dead" and why.children != made:
        return "what it recorded differs: an expression asks for the time or for chance"
    return ""


def _hop(fact: Fact) -> Hop:
    entry = fact.entry
    return Hop(
        kind=fact.kind,
        where=fact.where,
        id=entry.id,
        outcome=entry.outcome,
        detail=entry.detail,
        time=fact.time,
        by=fact.by,
        attempts=entry.attempts,
        letter=entry.letter,
        revision=fact.revision,
    )


def _slip(message: Message) -> str:
    """Tell a routing slip, with the stop where the message is in brackets."""
    try:
        slip = slip_of(message)
    except Reject as error:
        return error.reason
    if slip is None:
        return ""
    names = [name_of(each) for each in slip.stops]
    names[slip.at - 1] = f"[{names[slip.at - 1]}]"
    return f"stop {slip.at} of {len(names)}: {' → '.join(names)}"


def _again(trail: Trail, where: str, message_id: str) -> tuple[SentAgain, ...]:
    found: dict[str, SentAgain] = {}  # a redrive that was interrupted is recorded twice
    for fact in trail.audits(message_id):
        for at, new in fact.entry.children:
            if at == where:
                found[new] = SentAgain(time=fact.time, by=fact.by, reason=fact.reason, id=new)
    return tuple(found.values())


def _is_of(fact: Fact, kind: str, message_id: str) -> bool:
    return fact.kind == kind and fact.entry.id == message_id
