"""Acting on components, and waiting until every replica heeds it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from crossdock.cli.control_lines import Mesh, consumers, look
from crossdock.contracts import Halt
from crossdock.mesh.bus import Bus
from crossdock.mesh.control import ControlStore, Flow, FlowState, Name, Rate, Seen, Switch, ask
from crossdock.mesh.control.acts import Act, flow_key, now_text, rate_key, switch_key
from crossdock.mesh.control.reporting import Asked

_PATIENCE: Final = 10.0
_LOOK: Final = 0.2
_SETTLES: Final = 15.0  # beyond the time after which the broker delivers again


class Author(msgspec.Struct, frozen=True):
    """Who acts, and why.

    Attributes:
        by: Who.
        reason: Why.
    """

    by: str
    reason: str


class Wish(msgspec.Struct, frozen=True):
    """One act that is to be done.

    Attributes:
        name: The component.
        key: The control.
        act: What it shall be.
        heeded: Tells whether a replica heeds it.
    """

    name: Name
    key: str
    act: Act
    heeded: Callable[[Seen], bool]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an act.

    Attributes:
        component: ``route:orders``.
        act: What was kept.
        replicas: Processes that have the component.
        heed: How many of them heed it.
        silent: Processes that should be there and do not answer.
    """

    component: str
    act: Act
    replicas: int
    heed: int
    silent: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether everybody heeds it."""
        return self.heed == self.replicas and not self.silent


def flow_wish(name: Name, state: FlowState, who: Author, seconds: float | None = None) -> Wish:
    """Return the wish that a component is in a state, for a time or until somebody ends it."""
    until = ""
    if seconds is not None:
        end = datetime.now(UTC) + timedelta(seconds=seconds)
        until = end.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    act = Flow(state=state, until=until, by=who.by, at=now_text(), reason=who.reason)
    return Wish(name, flow_key(name), act, lambda seen: seen.flow == state)


def rate_wish(name: Name, limit: float | None, who: Author) -> Wish:
    """Return the wish that a component has a rate.

    Raises:
        Halt: It cannot have one.
    """
    if name.kind == "source":
        raise Halt(f"{name} has no rate: give one to the routes that take what it publishes")
    act = Rate(limit=limit, by=who.by, at=now_text(), reason=who.reason)
    return Wish(name, rate_key(name), act, lambda seen: seen.rate == limit)


def detour_wish(mesh: Mesh, text: str, who: Author, *, on: bool) -> Wish:
    """Return the wish that a detour, ``ROUTE/NAME``, is taken or not.

    Raises:
        Halt: There is none of that name.
    """
    route, _, detour = text.removeprefix("route:").partition("/")
    if detour not in mesh.detours(route):
        named = [each.name for each in mesh.names if each.kind == "route"]
        known = [f"{each}/{name}" for each in named for name in sorted(mesh.detours(each))]
        there = ", ".join(known) or "none in any route that runs"
        raise Halt(f"there is no detour {text[:120]!r}; there is {there}")
    act = Switch(on=on, by=who.by, at=now_text(), reason=who.reason)
    key = switch_key(route, detour)
    return Wish(Name("route", route), key, act, lambda seen: seen.detours.get(detour) is on)


async def fulfil(bus: Bus, wish: Wish, *, wait: bool) -> Done:
    """Keep an act, and wait until every replica heeds it, for a while.

    Raises:
        CrossdockError: It could not be kept.
    """
    await ControlStore(bus).put(wish.key, wish.act)
    end = asyncio.get_running_loop().time() + (_PATIENCE if wait else 0)
    while True:
        done = _done(wish, await ask(bus))
        if done.whole or asyncio.get_running_loop().time() >= end:
            return done
        await asyncio.sleep(_LOOK)


def _done(wish: Wish, asked: Asked) -> Done:
    seen = asked.of(wish.name)
    return Done(
        component=str(wish.name),
        act=wish.act,
        replicas=len(seen),
        heed=sum(wish.heeded(each) for each in seen),
        silent=asked.silent,
    )


async def wishes_for(bus: Bus, names: list[str], make: Callable[[Name], Wish]) -> list[Wish]:
    """Return a wish for each component that is named; all are there, or none is acted on.

    Raises:
        Halt: One of them is not there.
    """
    mesh = await look(bus)
    return [make(name) for name in dict.fromkeys(mesh.find(each) for each in names)]


class Drained(msgspec.Struct, frozen=True, kw_only=True):
    """How far a component is drained.

    Attributes:
        component: ``route:orders``.
        drained: Nothing is in hand in any replica.
        in_hand: Messages that are.
        waiting: Messages that wait at the broker for another try, and are tried after a resume.
        pending: Messages that it was not given.
        silent: Processes that should be there and do not answer.
    """

    component: str
    drained: bool
    in_hand: int
    waiting: int
    pending: int
    silent: tuple[str, ...]


async def drain(bus: Bus, name: Name, seconds: float, tell: Callable[[Drained], None]) -> Drained:
    """Wait until nothing of a component is in hand, which has been told to drain.

    What no process has in hand and is not settled either waits for another try, or was that of a
    process which has crashed: the broker knows that after :data:`_SETTLES` seconds without a sign
    of life. A source has nothing at the broker.

    Raises:
        Disconnected: The broker does not answer.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    quiet: float | None = None
    while True:
        asked = await ask(bus)
        seen = asked.of(name)
        consumer = (await consumers(bus)).get(name)
        in_hand = sum(each.held for each in seen)
        unsettled = 0 if consumer is None else consumer.unsettled
        heeded = all(each.flow == "draining" for each in seen) and not asked.silent
        if in_hand or not heeded:
            quiet = None
        elif quiet is None:
            quiet = clock()
        done = quiet is not None and (not unsettled or clock() - quiet > _SETTLES)
        found = Drained(
            component=str(name),
            drained=done,
            in_hand=in_hand,
            waiting=0 if in_hand else unsettled,
            pending=0 if consumer is None else consumer.pending,
            silent=asked.silent,
        )
        tell(found)
        if done or clock() > end:
            return found
        await asyncio.sleep(_LOOK)
