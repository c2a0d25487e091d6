"""Whether a conversation is over: nothing of what a message led to is on its way any more."""

from __future__ import annotations

import msgspec

from crossdock.contracts.replying import REPLY
from crossdock.contracts.slips import route_of
from crossdock.mesh import records
from crossdock.mesh.bus import Bus
from crossdock.mesh.finding import routes_for
from crossdock.mesh.trail import Trail, follow


async def is_over(bus: Bus, message_id: str, sequence: int | None = None) -> bool:
    """Tell whether all that a message led to is settled: delivered, filtered, replied or dead.

    It follows what systems answered, and what was sent again. A message that is no longer kept is
    over.

    Args:
        bus: The bus.
        message_id: Its id.
        sequence: Its number in the stream, when known: makes it quick.

    Raises:
        Disconnected: The broker does not answer, or it took too long.
    """
    trail = await follow(bus, message_id, sequence)
    return trail is None or not await _Walk(bus, trail).is_pending()


class _Due(msgspec.Struct, frozen=True):
    """What a component has to have told of a message."""

    kind: records.Kind
    where: str
    id: str


class _Walk:
    """Walks from a message over what it led to."""

    def __init__(self, bus: Bus, trail: Trail) -> None:
        self._bus = bus
        self._trail = trail
        self._routes: dict[str, list[str]] = {}

    async def is_pending(self) -> bool:
        trail = self._trail
        waiting = [_Due("route", each, trail.message.id) for each in trail.routes]
        seen: set[_Due] = set()
        while waiting:
            due = waiting.pop()
            if due in seen:
                continue
            seen.add(due)
            fact = trail.last(due.kind, due.where, due.id)
            if fact is None:
                return True
            for where, child in fact.entry.children:
                waiting += await self._led_to(due.where, where, child)
            waiting += [
                _Due(due.kind, due.where, again)
                for audit in trail.audits(due.id)
                for at, again in audit.entry.children
                if at == due.where
            ]
        return False

    async def _led_to(self, component: str, where: str, child: str) -> list[_Due]:
        if where == REPLY:
            return []
        if where == records.GROUP:
            return [_Due("group", component, child)]
        route = route_of(where)
        if route is not None:
            return [_Due("route", route, child)]
        contract = records.contract_of(where)
        if contract is None:
            return [_Due("destination", where, child)]
        if contract not in self._routes:
            subject = self._bus.subjects.incoming(contract)
            self._routes[contract] = await routes_for(self._bus, subject)
        return [_Due("route", each, child) for each in self._routes[contract]]
