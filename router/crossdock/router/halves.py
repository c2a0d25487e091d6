"""A route in two halves: what comes in, and what its groups become. They run and stop together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from crossdock.mesh.component import State
from crossdock.mesh.consuming import Consuming
from crossdock.mesh.control import Permit

_WORST_FIRST: Final[tuple[State, ...]] = ("halted", "paused", "starting", "running", "stopped")


class Halves:
    """The consumers of one route; one, or two when it aggregates."""

    def __init__(
        self, consumings: Sequence[Consuming], close: Callable[[], Awaitable[None]]
    ) -> None:
        """Remember them.

        Args:
            consumings: The consumers.
            close: Closes what they share, once they have ended.
        """
        self._consumings = consumings
        self._close = close

    @property
    def state(self) -> State:
        """The worse of their states."""
        return self._worst().state

    @property
    def reason(self) -> str:
        """Why it is so."""
        return self._worst().reason

    async def run(self) -> None:
        """Run until :meth:`stop`, or until one halts."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for each in self._consumings:
                    tasks.create_task(self._run(each))
        finally:
            await asyncio.shield(self._closed())

    async def ensure(self) -> None:
        """Make the durable consumers, if they are not there yet.

        Raises:
            Disconnected: The broker does not answer or refuses.
        """
        for each in self._consumings:
            await each.ensure()

    def held(self) -> int:
        """Return how many messages are being worked on."""
        return sum(each.held() for each in self._consumings)

    def in_hand(self) -> int:
        """Return how many messages they have from the broker, begun or not."""
        return sum(each.in_hand() for each in self._consumings)

    @property
    def permit(self) -> Permit:
        """What operators allow them."""
        return self._consumings[0].permit

    def stop(self) -> None:
        """Finish what is being worked on, then return from :meth:`run`. Safe twice."""
        for each in self._consumings:
            each.stop()

    async def _closed(self) -> None:
        await self._close()

    async def _run(self, consuming: Consuming) -> None:
        await consuming.run()
        self.stop()  # half a route would take messages and send none

    def _worst(self) -> Consuming:
        return min(self._consumings, key=lambda each: _WORST_FIRST.index(each.state))
