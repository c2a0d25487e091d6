"""What the records tell of where a message is."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from crossdock.contracts.replying import REPLY
from crossdock.contracts.slips import route_of
from crossdock.mesh import records
from crossdock.mesh.later import due_of

DestinationState = Literal["pending", "delivered", "tested", "filtered", "dead"]
RouteState = Literal["pending", "routed", "grouped", "delayed", "filtered", "dead"]


class DestinationStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one message that a route made.

    Attributes:
        destination: Where it goes.
        id: Its own id.
        state: Pending, delivered, dead, filtered because its time was over, or tested: a test
            message that could have been delivered.
        detail: Why, for a dead or filtered one; until when, for what waits.
    """

    destination: str
    id: str
    state: DestinationState
    detail: str = ""


class RouteStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a route did with the message.

    Attributes:
        route: Its name.
        state: Pending, routed, grouped, delayed, filtered or dead.
        detail: Which branch, or why.
        destinations: One for each message that it made.
    """

    route: str
    state: RouteState
    detail: str = ""
    destinations: tuple[DestinationStatus, ...] = ()


class MessageStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message is.

    Attributes:
        id: Its id.
        source: Who made it.
        contract: Name of its contract.
        version: Version of its contract.
        accepted: When it was stored, RFC 3339.
        sequence: Its sequence in the ``in`` stream.
        state: ``accepted`` while something is pending, then ``done``, or ``dead`` when anything of
            it is a dead letter.
        routes: What each route that accepts it did.
    """

    id: str
    source: str
    contract: str
    version: str
    accepted: str
    sequence: int
    state: Literal["accepted", "done", "dead"]
    routes: tuple[RouteStatus, ...] = ()


class Story:
    """Gathers from the records what concerns one message, and those that took its place."""

    def __init__(self, sequence: int, routes: list[str]) -> None:
        """Begin with the number of the message and the routes that take it."""
        self._sequence = sequence
        self._routes: dict[str, records.Entry | None] = dict.fromkeys(routes)
        self._groups: dict[str, records.Entry] = {}
        self._delivered: dict[str, records.Entry] = {}
        self._stops: set[str] = set()  # ids of what a routing slip has sent to a route
        self._sent_again: dict[str, str] = {}  # to a route: the id it had then
        self._again: dict[str, str] = {}  # to a destination: by the id it had before

    def read(self, record: records.Record) -> None:
        """Take what concerns the message."""
        for entry in record.entries:
            if record.kind == "route" and self._concerns(record.where, entry):
                self._routes[record.where] = entry
            elif record.kind == "group" or (record.kind == "route" and entry.id in self._stops):
                self._groups[entry.id] = entry
            elif record.kind == "destination":
                self._delivered[entry.id] = entry
            if record.kind in ("route", "group"):
                self._stops.update(child for where, child in entry.children if route_of(where))

    def is_dead(self, audited: records.Entry) -> bool:
        """Tell whether what was sent again is dead as far as we know."""
        return any(
            each is not None and (each.id, each.outcome) == (audited.id, "dead")
            for each in (
                *self._routes.values(),
                self._delivered.get(audited.id),
                self._groups.get(audited.id),
            )
        )

    def replace(self, audited: records.Entry) -> None:
        """Follow what took the place of a dead one."""
        for where, again in audited.children:
            dead = self._routes.get(where)
            if dead is not None and dead.id == audited.id:
                self._routes[where] = None
                self._sent_again[where] = again
            else:
                self._again[audited.id] = again
                self._delivered.pop(audited.id, None)

    @property
    def complete(self) -> bool:
        """Whether nothing more is to be known."""
        return all(
            entry is not None
            and all(
                where == REPLY or self._last(child) in self._delivered
                for where, child in self._children(entry)
            )
            for entry in self._routes.values()
        )

    @property
    def waits_until(self) -> datetime | None:
        """When the first part of it goes on, if nothing else is to be known before that."""
        dues: list[datetime] = []
        for entry in self._routes.values():
            if entry is None:
                return None
            for destination, child in self._children(entry):
                if destination == REPLY or self._last(child) in self._delivered:
                    continue
                due = due_of(entry.detail) if entry.outcome == "delayed" else None
                if destination != records.GROUP or due is None:
                    return None
                dues.append(due)
        return min(dues, default=None)

    @property
    def state(self) -> Literal["accepted", "done", "dead"]:
        """What is to be said of the whole."""
        routes = self.routes()
        states = {each.state for each in routes} | {
            each.state for route in routes for each in route.destinations
        }
        if "dead" in states:
            return "dead"
        return "accepted" if "pending" in states else "done"

    def routes(self) -> tuple[RouteStatus, ...]:
        """Return what each route did."""
        return tuple(self._route(name, entry) for name, entry in sorted(self._routes.items()))

    def _concerns(self, route: str, entry: records.Entry) -> bool:
        again = self._sent_again.get(route)
        return entry.sequence == self._sequence if again is None else entry.id == again

    def _last(self, message_id: str) -> str:
        """Return the id of the last one that took the place of a message; each has a new one."""
        while message_id in self._again:
            message_id = self._again[message_id]
        return message_id

    def _route(self, name: str, entry: records.Entry | None) -> RouteStatus:
        if entry is None:
            return RouteStatus(route=name, state="pending")
        return RouteStatus(
            route=name,
            state=msgspec.convert(entry.outcome, RouteState),
            detail=entry.detail,
            destinations=tuple(self._destination(*child, entry) for child in self._children(entry)),
        )

    def _children(self, entry: records.Entry) -> list[tuple[str, str]]:
        """Return what became of a message; in the place of a group or a stop what became of it."""
        found: list[tuple[str, str]] = []
        for destination, child in entry.children:
            last = self._last(child)
            inner = destination == records.GROUP or route_of(destination) is not None
            group = self._groups.get(last) if inner else None
            if group is None or group.outcome == "dead":
                found.append((destination, child))
            else:
                found += self._children(group)  # a slip has more stops
        return found

    def _destination(self, destination: str, child: str, of: records.Entry) -> DestinationStatus:
        last = self._last(child)
        entry = self._delivered.get(last) or self._groups.get(last)
        # A reply is there for whoever asked as soon as the route has sent it.
        state: DestinationState = "delivered" if destination == REPLY else "pending"
        detail = ""
        if entry is not None:
            state, detail = msgspec.convert(entry.outcome, DestinationState), entry.detail
        elif destination == records.GROUP and of.outcome == "delayed":
            detail = of.detail
        return DestinationStatus(destination=destination, id=last, state=state, detail=detail)
