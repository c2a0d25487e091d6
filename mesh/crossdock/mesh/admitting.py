"""When a component may take messages and begin them: as its rate and its operators allow."""

from __future__ import annotations

import asyncio
import logging

from nats.errors import Error as NatsError

from crossdock.contracts import Disconnected
from crossdock.mesh.bus import Bus, Puller
from crossdock.mesh.component import Component
from crossdock.mesh.control import Permit
from crossdock.mesh.project.settings import Throttle
from crossdock.mesh.throttling import Gate, per_second

_log = logging.getLogger("crossdock.consuming")
_AGAIN = 1.0
_IDLE = 0.5


class Admission:
    """What the consuming loop of one component asks before it takes or begins anything.

    Attributes:
        most: Messages that may be taken at once.
        permit: What operators allow.
    """

    def __init__(
        self, bus: Bus, component: Component, puller: Puller, permit: Permit, stop: asyncio.Event
    ) -> None:
        """Take nothing yet.

        Args:
            bus: Connection.
            component: The component.
            puller: What receives for it.
            permit: What operators allow.
            stop: Set when it has to end; then nothing waits here any more.
        """
        self._bus = bus
        self._component = component
        self._puller = puller
        self._stop = stop
        self._throttle: Throttle | None = None
        self._gate: Gate | None = None
        self.permit = permit
        self.most = component.batch
        self._keep_to_rate()

    @property
    def paused(self) -> bool:
        """Whether nothing may begin."""
        return self.permit.state == "paused"

    async def heed(self) -> None:
        """Do what operators decide, live, until it has to end (Control Bus)."""
        while not self._stop.is_set():
            signal = self.permit.signal
            self._keep_to_rate()
            if self.permit.state != "running":
                await self._puller.drain()  # what was received stays in hand, and is kept alive
            elif not self._puller.listening:
                try:
                    await self._puller.start()
                except NatsError:
                    await self.permit.changed(_AGAIN, signal)
                    continue
            await self.permit.changed(signal=signal)

    async def allowed(self) -> None:
        """Wait while nothing may begin; stopping does not wait."""
        while not self._stop.is_set() and self.paused:
            await self.permit.changed()

    async def idle(self) -> None:
        """Wait a moment when there is nothing to come, because an operator wants it so."""
        if not self._puller.listening:
            await self.permit.changed(_IDLE)

    async def pace(self, count: int) -> None:
        """Wait until so many messages may begin; stopping does not wait (Throttler)."""
        clock = asyncio.get_running_loop().time
        while (gate := self._gate) is not None and not self._stop.is_set():
            try:
                end = clock() + await gate.take(count)
            except Disconnected as error:
                name = self._component.name
                _log.info("throttle", extra={"component": name, "why": error.reason})
                await self.permit.changed(_AGAIN)
                continue
            while not self._stop.is_set() and gate is self._gate and clock() < end:
                await self.permit.changed(end - clock())
            if gate is self._gate:  # else the rate was changed: what was taken from it is void
                return

    def _keep_to_rate(self) -> None:
        component = self._component
        # The groups of a route have the rate of what they are made of.
        rate = None if component.kind == "group" else self.permit.rate
        throttle = component.throttle if rate is None else per_second(rate)
        if throttle == self._throttle:
            return
        self._throttle = throttle
        self._gate = None
        self.most = component.batch
        if throttle is not None:
            self._gate = Gate(self._bus, self._puller.spec.durable, throttle)
            self.most = min(component.batch, self._gate.most)
        self._puller.prefetch = self.most
