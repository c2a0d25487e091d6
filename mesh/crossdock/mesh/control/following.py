"""Follows the acts of operators in a service, so that its components heed them live.

Fails safe: while the broker is away, or when something was lost there, the last state known stays.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Final
from weakref import WeakSet

from crossdock.contracts import CrossdockError
from crossdock.mesh.bus import Bus
from crossdock.mesh.control.acts import Act, Flow, Kind, Name, Rate, Switch, switch_key
from crossdock.mesh.control.permit import Permit
from crossdock.mesh.control.store import ControlStore

_log = logging.getLogger("crossdock.control")

_LOOK_EVERY: Final = 1.0  # a notice may be missed, for example while reconnecting
_AGAIN: Final = 0.5


class Controls:
    """What operators have decided, as far as this process knows."""

    def __init__(self, bus: Bus) -> None:
        """Know nothing yet; see :meth:`start`."""
        self._store = ControlStore(bus)
        self._acts: dict[str, Act] = {}
        self._permits: WeakSet[Permit] = WeakSet()
        self._version: int | None = None

    async def start(self) -> None:
        """Read what was decided. Before that no component may begin.

        Raises:
            Disconnected: The broker does not answer.
            Halt: It refuses the bucket.
        """
        await self._store.prepare()
        await self.look()

    async def run(self) -> None:
        """Follow what is decided until cancelled; survives a broker that is away."""
        while True:
            try:
                async with self._store.changes() as told:
                    while True:
                        told.clear()
                        await self.look()
                        with contextlib.suppress(TimeoutError):
                            await asyncio.wait_for(told.wait(), _LOOK_EVERY)
            except CrossdockError as error:
                _log.debug("control not followed", extra={"why": error.reason})
            await asyncio.sleep(_AGAIN)

    def permit(self, kind: Kind, name: str) -> Permit:
        """Return what a component may do, kept up to date as long as somebody holds it."""
        permit = Permit(Name(kind, name), self._acts)
        self._permits.add(permit)
        return permit

    def detours(self, route: str, defaults: Mapping[str, bool]) -> dict[str, bool]:
        """Return which detours of a route are taken now.

        Args:
            route: Its name.
            defaults: Its detours, and whether they are taken as long as nobody decides on it.
        """
        found = {}
        for detour, default in defaults.items():
            act = self._acts.get(switch_key(route, detour))
            found[detour] = act.on if isinstance(act, Switch) else default
        return found

    async def look(self) -> None:
        """Take up what has been decided since the last look.

        Raises:
            Disconnected: The broker does not answer.
        """
        version = await self._store.version()
        if version is None:
            await self._store.prepare()
            version = -1
        if version == self._version:
            return
        read = await self._store.read()
        for key, act in read.items():
            if act is None:
                _log.error("act cannot be read; the last state stays", extra={"control": key})
            elif self._acts.get(key) != act:
                self._acts[key] = act
                _tell(key, act)
        await self._put_back(self._acts.keys() - read.keys())
        self._version = version
        for permit in list(self._permits):
            permit.wake()

    async def _put_back(self, lost: set[str]) -> None:
        """Keep what was lost at the broker, as far as it is about what runs here.

        Whoever removes a component forgets its acts; nobody runs it then.
        """
        ours = {f"{each.name.kind}.{each.name.name}" for each in self._permits}
        for key in lost:
            if ".".join(key.split(".", 2)[:2]) in ours:
                _log.error("act was lost at the broker; put back", extra={"control": key})
                await self._store.put_back(key, self._acts[key])
            else:
                del self._acts[key]


def _tell(key: str, act: Act) -> None:
    match act:
        case Flow():
            what = act.state + (f" until {act.until}" if act.until else "")
        case Rate():
            what = "rate as the project says" if act.limit is None else f"rate {act.limit:g}/s"
        case _:
            what = "detour on" if act.on else "detour off"
    extra = {"control": key, "what": what, "by": act.by, "why": act.reason, "at": act.at}
    _log.warning("operator", extra=extra)
