"""What a route has made of a batch, before it is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from crossdock.contracts import Message
from crossdock.mesh import records
from crossdock.mesh.bus import Outgoing
from crossdock.mesh.bus.committing import MAX_BATCH
from crossdock.mesh.groups import Arrival, GroupStore
from crossdock.mesh.later import Later
from crossdock.router.revision import Revision
from crossdock.router.steps.detour import Switched

Item: TypeAlias = tuple[str, Message]


class Made:
    """What a batch has made so far, and is to be stored.

    Attributes:
        detours: Which detours were taken when it was decided.
        entries: Of the record, one for each message.
        groups: The children of each message.
        count: How many children, and members of groups, there are.
        outcomes: How many of the messages were routed, filtered or grouped.
        sent: How many children go to each destination.
        joining: Messages that are to join groups, with their place in the batch.
        holding: Messages that are to wait.
    """

    def __init__(self, detours: Switched) -> None:
        self.detours = detours
        self.entries: list[records.Entry] = []
        self.groups: list[list[Item]] = []
        self.count = 0
        self.outcomes: Counter[records.Outcome] = Counter()
        self.sent: Counter[str] = Counter()
        self.joining: list[tuple[int, records.Entry, tuple[Arrival, ...]]] = []
        self.holding: list[Outgoing] = []

    def add(self, entry: records.Entry, children: list[Item]) -> None:
        """Add what one message made."""
        self.entries.append(entry)
        self.outcomes[entry.outcome] += 1
        self.send(children)

    def send(self, children: list[Item]) -> None:
        """Add what is sent of one message."""
        if children:
            self.groups.append(children)
            self.count += len(children)


class Half(msgspec.Struct, frozen=True):
    """Which half of a route is handled.

    Attributes:
        revision: What records call this state of the route.
        kind: What records call it: ``group`` is the second half of a route that aggregates.
        groups: What messages join, in the first half of such a route.
        detours: Returns which detours are taken now: what all messages of a batch go by.
        later: Where messages wait, in the first half of a route that delays them.
    """

    revision: Revision
    kind: records.Kind = "route"
    groups: GroupStore | None = None
    detours: Callable[[], Switched] = dict
    later: Later | None = None


def parts_of(groups: list[list[Item]]) -> list[list[Item]]:
    """Join groups to batches that the server takes at once, never splitting a group."""
    parts: list[list[Item]] = []
    for group in groups:
        if parts and len(parts[-1]) + len(group) <= MAX_BATCH:
            parts[-1].extend(group)
        else:
            parts.append(list(group))
    return parts
