"""What operators allow one component now: looked at by the loop that works for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from crossdock.mesh.control.acts import (
    RUNNING,
    Act,
    Flow,
    FlowState,
    Name,
    Rate,
    flow_key,
    rate_key,
)


class Permit:
    """What one component may do. It never goes by itself from a known act to none."""

    __slots__ = ("__weakref__", "_acts", "_changed", "_flow", "_rate", "name")

    def __init__(self, name: Name, acts: Mapping[str, Act]) -> None:
        """Look at acts that somebody else keeps up to date.

        Args:
            name: The component.
            acts: The last act on each control.
        """
        self.name = name
        self._acts = acts
        self._flow = flow_key(name)
        self._rate = rate_key(name)
        self._changed = asyncio.Event()

    @property
    def flow(self) -> Flow | None:
        """What was decided on its flow; None when nobody ever did."""
        found = self._acts.get(self._flow)
        return found if isinstance(found, Flow) else None

    @property
    def state(self) -> FlowState:
        """What it shall do now."""
        flow = self.flow
        return RUNNING if flow is None else flow.state_at(datetime.now(UTC))

    @property
    def rate(self) -> float | None:
        """Messages a second that it may take with all replicas; None for what the project says."""
        found = self._acts.get(self._rate)
        return found.limit if isinstance(found, Rate) else None

    def wake(self) -> None:
        """Let those who wait look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    @property
    def signal(self) -> asyncio.Event:
        """Set at the next change; for who awaits something between looking and waiting."""
        return self._changed

    async def changed(
        self, seconds: float | None = None, signal: asyncio.Event | None = None
    ) -> None:
        """Wait until something may have changed, or so many seconds.

        Args:
            seconds: At most.
            signal: Since this was taken.
        """
        flow = self.flow
        left = None if flow is None or not flow.until else flow.seconds_left(datetime.now(UTC))
        if left is not None and left > 0:
            seconds = left if seconds is None else min(left, seconds)
        event = signal or self._changed
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return


def free(name: Name) -> Permit:
    """Return the permit of a component that nobody controls."""
    return Permit(name, {})
