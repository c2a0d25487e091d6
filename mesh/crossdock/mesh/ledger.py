"""The loss ledger (I9): in = out + filtered + dead + in flight, for each route and destination.

Counted from what is durable, so that it holds over crashes: the messages in the streams, the floor
up to which a consumer has acknowledged, and the records. A record is written before its message is
acknowledged; so what is below the floor and has no entry was acknowledged without an outcome, and
is missing. That is exact, also while messages flow.

Looked at is what came since the oldest record that is kept, and since a consumer has the filters
that it has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal

import msgspec

from crossdock.mesh import records
from crossdock.mesh.bus import Bus, ConsumerState
from crossdock.mesh.finding import DESTINATION_PREFIX, ROUTE_PREFIX
from crossdock.mesh.ledger_waiting import RouteWaits, lost

_PREFIXES: Final = {"in": ROUTE_PREFIX, "out": DESTINATION_PREFIX}
_TRIES: Final = 5

Kind = Literal["route", "destination"]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the messages of one route or destination.

    Attributes:
        kind: Route or destination.
        name: Its name.
        since: Sequence of its stream from which on it is counted.
        taken: Messages that came in for it.
        out: Messages that it routed or delivered.
        filtered: Messages that it did not want.
        dead: Messages that became dead letters.
        in_flight: Messages that it has not settled yet, and those that wait for their time.
        missing: Messages that it acknowledged, and of which nothing tells what became of them.
        unsent: Destination only: messages that a route says to have made, and that never came.
    """

    kind: Kind
    name: str
    since: int
    taken: int
    out: int
    filtered: int
    dead: int
    in_flight: int
    missing: int
    unsent: int = 0

    @property
    def balanced(self) -> bool:
        """Whether nothing is lost."""
        return not self.missing and not self.unsent


async def balance(bus: Bus) -> list[Line]:
    """Balance each route and destination of a mesh.

    Raises:
        Disconnected: The broker does not answer.
    """
    before = await _last_record(bus)
    consumers = {kind: await _ours(bus, kind) for kind in _PREFIXES}
    books = await _read(bus, before)
    gone = await lost(bus, books.waits, books.read_to)
    lines: list[Line] = []
    for kind in _PREFIXES:
        first = await _first_told(bus, kind, books.since)
        lines += [
            await _line(bus, kind, each, books, max(first, each.since)) for each in consumers[kind]
        ]
    return [_without(each, gone.get(each.name, 0)) for each in lines]


async def expected(bus: Bus, kind: str, consumer: ConsumerState, begin: int) -> int:
    """Return how many messages of a consumer are from a sequence on up to its floor.

    It is the difference of two counts. More may come in between them: then it is too small, never
    too large, and counted again.

    Raises:
        Disconnected: The broker does not answer.
    """
    if consumer.floor < begin:
        return 0
    whole = await _count(bus, kind, consumer.filters, begin)
    found = 0
    for _ in range(_TRIES):
        rest = await _count(bus, kind, consumer.filters, consumer.floor + 1)
        found = max(found, whole - rest)
        again = await _count(bus, kind, consumer.filters, begin)
        if whole == again:
            break
        whole = again
    return found


async def _first_told(bus: Bus, kind: str, since: datetime | None) -> int:
    """Return the first sequence that a stream has and whose outcome must be among the records."""
    first = (await bus.jetstream.stream_info(bus.subjects.stream(kind))).state.first_seq
    if since is not None:  # older records were dropped
        async for stored in bus.read(kind, since=since):
            return max(first, stored.sequence)
    return first


async def _oldest_kept(bus: Bus) -> datetime | None:
    """Return when the oldest record was written; None when none was ever dropped."""
    async for stored in bus.read("record"):
        return None if stored.sequence == 1 else datetime.fromisoformat(stored.time)
    return None


class _Books(msgspec.Struct):
    """What the records say.

    Attributes:
        since: When the oldest was written; None when none was dropped.
        outcomes: By kind, name and sequence: the last outcome.
        made: By destination: ids of the messages that routes had made for it at the beginning.
        settled: Ids of what destinations have settled.
        waits: By route: what waits for its time.
        read_to: Sequence of the last record that was read.
    """

    since: datetime | None
    outcomes: dict[tuple[str, str], dict[int, str]] = {}
    made: dict[str, set[str]] = {}
    settled: set[str] = set()
    waits: dict[str, RouteWaits] = {}
    read_to: int = 0

    def outcomes_from(self, kind: Kind, name: str, begin: int) -> dict[int, str]:
        found = self.outcomes.get((kind, name), {})
        waits = self.waits.get(name, RouteWaits())
        return {
            sequence: waits.outcome(sequence) if each == "delayed" else each
            for sequence, each in found.items()
            if sequence >= begin
        }

    def of_route(self, name: str) -> RouteWaits:
        return self.waits.setdefault(name, RouteWaits())


async def _read(bus: Bus, before: int) -> _Books:
    books = _Books(since=await _oldest_kept(bus))
    async for stored in bus.read("record"):
        books.read_to = stored.sequence
        record = records.read(stored.data)
        if record.kind not in ("route", "group", "destination"):
            continue
        outcomes = books.outcomes.setdefault((record.kind, record.where), {})
        for entry in record.entries:
            outcomes[entry.sequence] = entry.outcome
            if entry.outcome == "delayed":
                books.of_route(record.where).note(entry)
            if record.kind == "group":
                books.of_route(record.where).went_on[entry.id] = entry.outcome
            if record.kind == "destination":
                books.settled.add(entry.id)
            elif stored.sequence <= before:
                for destination, child in entry.children:
                    books.made.setdefault(destination, set()).add(child)
    return books


async def _line(bus: Bus, kind: str, consumer: ConsumerState, books: _Books, begin: int) -> Line:
    name = consumer.name.removeprefix(_PREFIXES[kind])
    what: Kind = "route" if kind == "in" else "destination"
    outcomes = books.outcomes_from(what, name, begin)
    below = sum(1 for each in outcomes if each <= consumer.floor)
    owed = await expected(bus, kind, consumer, begin)
    above = await _count(bus, kind, consumer.filters, max(begin, consumer.floor + 1))
    counts = Counter(outcomes.values())
    filtered, dead = counts.pop("filtered", 0), counts.pop("dead", 0)
    waiting = counts.pop("delayed", 0)
    return Line(
        kind=what,
        name=name,
        since=begin,
        taken=owed + above,
        out=counts.total(),
        filtered=filtered,
        dead=dead,
        in_flight=max(0, above - (len(outcomes) - below)) + waiting,
        missing=max(0, owed - below),
        unsent=_unsent(books, name, consumer) if kind == "out" else 0,
    )


def _without(line: Line, gone: int) -> Line:
    """Return the line of a route some of whose messages should wait, and are nowhere."""
    if line.kind != "route" or not gone:
        return line
    return msgspec.structs.replace(
        line, in_flight=max(0, line.in_flight - gone), missing=line.missing + gone
    )


def _unsent(books: _Books, destination: str, consumer: ConsumerState) -> int:
    """Return how many messages a route says to have made that are neither settled nor waiting.

    What was recorded before the consumer was asked, and is not settled in what was read after, was
    still waiting when it was asked.
    """
    waiting = len(books.made.get(destination, set()) - books.settled)
    return max(0, waiting - consumer.lag)


async def _count(bus: Bus, kind: str, filters: Iterable[str], begin: int) -> int:
    return sum([await bus.count(kind, each, begin) for each in filters])


async def _ours(bus: Bus, kind: str) -> list[ConsumerState]:
    found = [each for each in await bus.consumers(kind) if each.name.startswith(_PREFIXES[kind])]
    return sorted(found, key=lambda each: each.name)


async def _last_record(bus: Bus) -> int:
    return (await bus.jetstream.stream_info(bus.subjects.stream("record"))).state.last_seq
