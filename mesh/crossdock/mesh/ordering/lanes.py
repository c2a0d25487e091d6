"""Lanes: what is in hand, by key. Of each key one message is worked on, the others wait. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
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
    """The messages of one key: those at work, and those behind them."""

    __slots__ = ("behind", "late", "name", "working")

    def __init__(self, name: str | int) -> None:
        self.name = name
        self.working: list[Item] = []
        self.behind: list[tuple[Identity, Item]] = []
        self.late = False  # its first is to be tried again later

    @property
    def first(self) -> Item:
        """The next to be worked on."""
        return self.behind[0][1]


class Lanes:
    """All lanes of one component."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._held: dict[Identity, Item] = {}
        self._lanes: dict[str | int, _Lane] = {}
        self._ready: list[tuple[Identity, int, _Lane]] = []
        self._pushes = count()
        self._late: list[tuple[float, int, _Lane]] = []
        self._stopped = 0  # messages in lanes that are late
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
        return [lane.first for _, _, lane in self._late]

    @property
    def next_due(self) -> float:
        """When the next message is to be tried again; infinite when none is."""
        return self._late[0][0] if self._late else float("inf")

    def add(self, item: Item) -> None:
        """Take a message in hand, behind the earlier ones of its key."""
        name = _name_of(item)
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = _Lane(name)
        self._held[item.identity] = item
        self.bytes += item.size
        heapq.heappush(lane.behind, (item.identity, item))
        if lane.late:
            self._stopped += 1
        elif not lane.working and lane.first is item:
            self._push(lane)

    def take(self, most: int, now: float, *, runs: bool = False) -> list[Item]:
        """Return what may be worked on together, each key in order, the oldest first.

        A suspect is returned alone: it may end the process.

        Args:
            most: So many at most.
            now: :func:`time.monotonic`.
            runs: Of a key there may be several; else one.
        """
        self._wake(now)
        lanes: list[_Lane] = []
        taken: list[Item] = []
        while self._ready and len(taken) < most:
            identity, _, lane = self._ready[0]
            if lane.working or not lane.behind or lane.first.identity != identity:
                heapq.heappop(self._ready)  # out of date
                continue
            if lane.first.suspect and taken:
                break
            heapq.heappop(self._ready)
            taken.append(_begin(lane))
            if taken[0].suspect:
                return taken
            lanes.append(lane)
        if runs:
            taken += _runs(lanes, most - len(taken), now)
        return sorted(taken, key=lambda item: item.identity)

    def done(self, item: Item, now: float) -> None:
        """Let go of a message that was taken."""
        if self._held.pop(item.identity, None) is not None:
            self.bytes -= item.size
        item.busy = False
        self._leave(item, now)

    def again(self, item: Item, due: float, now: float) -> None:
        """Keep a message that was taken until it is tried again; its key waits, no other one."""
        item.busy = False
        item.due = due
        item.since = item.since or now
        heapq.heappush(self._lanes[_name_of(item)].behind, (item.identity, item))
        self._leave(item, now)

    def forget(self) -> list[Item]:
        """Let go of all that is not being worked on, and return it."""
        kept = [item for item in self._held.values() if item.busy]
        gone = [item for item in self._held.values() if not item.busy]
        self._held = {item.identity: item for item in kept}
        self._lanes = {}
        self._ready, self._late, self._stopped = [], [], 0
        self.bytes = sum(item.size for item in kept)
        for item in kept:
            self._lanes.setdefault(_name_of(item), _Lane(_name_of(item))).working.append(item)
        return gone

    def overtaking(self, items: Iterable[Item]) -> list[Item]:
        """Return those before which another of their key, not one of them, is not settled yet.

        Args:
            items: What was taken, or the end of it.
        """
        together = set(items)
        free: dict[str | int, bool] = {}
        for item in together:
            name = _name_of(item)
            if name not in free:
                working = self._lanes[name].working
                first = next((each for each in working if not each.incoming.settled), item)
                free[name] = first in together
        return [item for item in together if not free[_name_of(item)]]

    def _leave(self, item: Item, now: float) -> None:
        """Let a lane go on when nothing of it is at work any more."""
        lane = self._lanes[_name_of(item)]
        lane.working.remove(item)
        if lane.working:
            return
        if not lane.behind:
            del self._lanes[lane.name]
        elif lane.first.due > now:
            lane.late = True
            self._stopped += len(lane.behind)
            heapq.heappush(self._late, (lane.first.due, next(self._pushes), lane))
        else:
            self._push(lane)

    def _wake(self, now: float) -> None:
        while self._late and self._late[0][0] <= now:
            lane = heapq.heappop(self._late)[-1]
            lane.late = False
            self._stopped -= len(lane.behind)
            self._push(lane)

    def _push(self, lane: _Lane) -> None:
        heapq.heappush(self._ready, (lane.first.identity, next(self._pushes), lane))


def _name_of(item: Item) -> str | int:
    return item.identity[0] if item.key is None else item.key


def _begin(lane: _Lane) -> Item:
    _, item = heapq.heappop(lane.behind)
    item.busy = True
    lane.working.append(item)
    return item


def _runs(lanes: list[_Lane], room: int, now: float) -> list[Item]:
    """Take more of each lane in turn, until there is no room or nothing that may be taken."""
    more: list[Item] = []
    while lanes and len(more) < room:
        lanes = [each for each in lanes if each.behind and _goes_along(each.first, now)]
        more += [_begin(lane) for lane in lanes[: room - len(more)]]
    return more


def _goes_along(item: Item, now: float) -> bool:
    """Tell whether a message may be worked on together with those before it."""
    return not item.suspect and item.refused is None and item.due <= now
