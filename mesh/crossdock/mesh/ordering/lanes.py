"""Lanes: what is in hand, by key. Of each key one message is worked on, the others wait. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import count
from typing import TypeAlias

from crossdock.contracts import Reject
from crossdock.mesh.bus import Incoming

Identity: TypeAlias = tuple[int, int]


class Item:
    """One message in hand.

    Attributes:
        incoming: Its latest delivery.
        key: Its key; None for a message that keeps no order.
        refused: Why it has no key, though it should.
        suspect: It came again without having been asked for.
        first: Consumer sequence of the delivery with which it came into hand.
        size: Bytes of its body that are held; 0 when it has to be read again.
        due: When it may be tried again, by :func:`time.monotonic`.
        since: When it had to wait for the first time; 0 when it never had to.
        busy: It is being worked on.
    """

    __slots__ = (
        "busy",
        "due",
        "first",
        "incoming",
        "key",
        "refused",
        "since",
        "size",
        "suspect",
    )

    def __init__(
        self,
        incoming: Incoming,
        key: str | None,
        *,
        refused: Reject | None = None,
        suspect: bool = False,
    ) -> None:
        self.incoming = incoming
        self.key = key
        self.refused = refused
        self.suspect = suspect
        self.first = incoming.consumer_sequence
        self.size = len(incoming.data)
        self.due = 0.0
        self.since = 0.0
        self.busy = False

    @property
    def identity(self) -> Identity:
        """What tells it from every other message of the stream, also of one made anew."""
        return self.incoming.sequence, self.incoming.timestamp

    def __repr__(self) -> str:  # I6: a key is payload
        return f"Item({self.incoming!r})"


class _Lane:
    """The messages of one key: one at work or waiting to be tried again, the others behind it."""

    __slots__ = ("behind", "head", "late", "name")

    def __init__(self, name: str | int) -> None:
        self.name = name
        self.head: Item | None = None
        self.behind: list[tuple[Identity, Item]] = []
        self.late = False  # its head is to be tried again later

    def __len__(self) -> int:
        return len(self.behind) + (self.head is not None)


class Lanes:
    """All lanes of one component."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._held: dict[Identity, Item] = {}
        self._lanes: dict[str | int, _Lane] = {}
        self._ready: list[tuple[Identity, int, _Lane]] = []
        self._pushes = count()
        self._late: list[tuple[float, Identity, _Lane]] = []
        self._stopped = 0  # messages in lanes whose head has to be tried again later
        self.bytes = 0

    def __len__(self) -> int:
        """Return how many messages are in hand."""
        return len(self._held)

    def __iter__(self) -> Iterator[Item]:
        """Iterate over what is in hand."""
        return iter(self._held.values())

    def find(self, incoming: Incoming) -> Item | None:
        """Return the message of a delivery, if it is in hand already."""
        return self._held.get((incoming.sequence, incoming.timestamp))

    @property
    def workable(self) -> int:
        """Messages that wait for nothing but those before them."""
        return len(self._held) - self._stopped

    @property
    def waiting(self) -> list[Item]:
        """Of each key that waits, the message that has to be tried again."""
        return [lane.head for _, _, lane in self._late if lane.head is not None]

    def add(self, item: Item) -> None:
        """Take a message in hand, behind the earlier ones of its key."""
        name = item.identity[0] if item.key is None else item.key
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = _Lane(name)
            self._push(item.identity, lane)
        self._held[item.identity] = item
        self.bytes += item.size
        before = lane.behind[0][0] if lane.behind else None
        heapq.heappush(lane.behind, (item.identity, item))
        if lane.head is None and before is not None and item.identity < before:
            self._push(item.identity, lane)  # the other entry is out of date
        elif lane.late:
            self._stopped += 1

    def take(self, most: int, now: float) -> list[Item]:
        """Return what may be worked on: the oldest first, of each key one at most.

        A suspect is returned alone: it may end the process.
        """
        self._wake(now)
        taken: list[Item] = []
        while self._ready and len(taken) < most:
            identity, _, lane = self._ready[0]
            first = lane.head or (lane.behind[0][1] if lane.behind else None)
            if first is None or first.busy or first.identity != identity:
                heapq.heappop(self._ready)  # out of date
                continue
            if first.suspect and taken:
                break
            heapq.heappop(self._ready)
            if lane.head is None:
                heapq.heappop(lane.behind)
                lane.head = first
            first.busy = True
            taken.append(first)
            if first.suspect:
                break
        return taken

    @property
    def next_due(self) -> float:
        """When the next message is to be tried again; infinite when none is."""
        return self._late[0][0] if self._late else float("inf")

    def done(self, item: Item) -> None:
        """Let go of a message that was taken; the next of its key may be."""
        lane = self._lane_of(item)
        if self._held.pop(item.identity, None) is not None:
            self.bytes -= item.size
        if lane is None or lane.head is not item:
            return
        lane.head = None
        if lane.behind:
            self._push(lane.behind[0][0], lane)
        else:
            del self._lanes[lane.name]

    def again(self, item: Item, due: float, now: float) -> None:
        """Keep a message that was taken until it is tried again; its key waits, no other one."""
        item.busy = False
        item.due = due
        item.since = item.since or now
        lane = self._lane_of(item)
        if lane is not None and lane.head is item:
            lane.late = True
            self._stopped += len(lane)
            heapq.heappush(self._late, (due, item.identity, lane))

    def forget(self) -> list[Item]:
        """Let go of all that is not being worked on, and return it."""
        kept = [item for item in self._held.values() if item.busy]
        gone = [item for item in self._held.values() if not item.busy]
        self._held = {item.identity: item for item in kept}
        self._lanes = {}
        self._ready, self._late, self._stopped = [], [], 0
        self.bytes = sum(item.size for item in kept)
        for item in kept:
            name = item.identity[0] if item.key is None else item.key
            lane = self._lanes[name] = _Lane(name)
            lane.head = item
        return gone

    def _lane_of(self, item: Item) -> _Lane | None:
        return self._lanes.get(item.identity[0] if item.key is None else item.key)

    def _wake(self, now: float) -> None:
        while self._late and self._late[0][0] <= now:
            _, identity, lane = heapq.heappop(self._late)
            lane.late = False
            self._stopped -= len(lane)
            self._push(identity, lane)

    def _push(self, identity: Identity, lane: _Lane) -> None:
        heapq.heappush(self._ready, (identity, next(self._pushes), lane))
