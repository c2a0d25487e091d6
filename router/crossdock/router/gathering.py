"""The groups of a route: its messages join them, and its second half takes what they become.

The second half is a consumer of its own, on the stream of the groups. It gets two kinds of
messages: groups that are complete, which go to the branches of the route as any message does, and
hints that the time of a group may be up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crossdock.contracts import CrossdockError, Disconnected, Retry
from crossdock.mesh.bus import Bus, ConsumerSpec, Incoming
from crossdock.mesh.component import Handler
from crossdock.mesh.groups import GroupStore
from crossdock.mesh.groups.room import STREAM
from crossdock.mesh.telemetry import RouteMetrics

PREFIX: Final = "group-"
BATCH: Final = 50  # a group may be as large as a message can be (I8)


class GroupHandler:
    """Handles what the groups of one route become; see :class:`Handler`."""

    def __init__(
        self, bus: Bus, route: str, groups: GroupStore, send: Handler, metrics: RouteMetrics
    ) -> None:
        """Remember who does what.

        Args:
            bus: Connection.
            route: Name of the route.
            groups: Its groups.
            send: Takes the groups that are complete.
            metrics: Of the route.
        """
        self._due = bus.subjects.group("due", route, "*").removesuffix("*")
        self._groups = groups
        self._send = send
        self._metrics = metrics

    async def __call__(self, batch: Sequence[Incoming]) -> Sequence[CrossdockError | None]:
        """Close groups whose time is up; send those that are complete."""
        outcomes: dict[int, CrossdockError | None] = {}
        complete = [each for each in batch if not each.subject.startswith(self._due)]
        if complete:
            sent = await self._send(complete)
            outcomes = {each.sequence: sent[at] for at, each in enumerate(complete)}
        for each in batch:
            if each.sequence not in outcomes:
                outcomes[each.sequence] = await self._expire(each.subject.removeprefix(self._due))
        return [outcomes[each.sequence] for each in batch]

    async def _expire(self, token: str) -> CrossdockError | None:
        """Close a group if its time is up; the hint comes again until that is done."""
        try:
            await self._groups.expire(token)
        except Retry as error:
            return Disconnected(error.reason)
        except Disconnected as error:
            return error
        self._metrics.grouped.inc()
        return None


def group_consumer(bus: Bus, route: str) -> ConsumerSpec:
    """Return the durable consumer of the second half of a route."""
    return ConsumerSpec(
        stream=bus.subjects.stream(STREAM),
        durable=f"{PREFIX}{route}",
        filters=(bus.subjects.group("due", route, "*"), bus.subjects.group("ready", route, "*")),
        max_ack_pending=1000,
    )
