"""Watches the loss ledger of a running mesh, and shows what is missing as a metric (I9).

Only what came since the last look is looked at, so a look costs little: the records of a minute,
and a few counts that the broker keeps.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Final

import msgspec
from nats.errors import Error as NatsError

from crossdock.contracts import Disconnected
from crossdock.mesh import records
from crossdock.mesh.bus import Bus, ConsumerState
from crossdock.mesh.finding import DESTINATION_PREFIX, ROUTE_PREFIX
from crossdock.mesh.ledger import expected
from crossdock.mesh.telemetry import Metrics
from crossdock.mesh.telemetry.definitions import LEDGER_MISSING

_log = logging.getLogger("crossdock.ledger")

EVERY: Final = 60.0
_LOOKS: Final = 10
"""How often a gap is looked at before it is taken as final: a replica may know a record later."""

_STREAMS: Final = {"in": (ROUTE_PREFIX, "route"), "out": (DESTINATION_PREFIX, "destination")}


class _Book(msgspec.Struct):
    """What is known of one consumer since the last look that balanced.

    Attributes:
        filters: Its filters then.
        begin: First sequence that is not settled.
        told: Sequences from there on that have an entry.
        looks: How often they did not balance.
        missing: Messages that are missing for good.
    """

    filters: tuple[str, ...]
    begin: int
    told: set[int] = set()
    looks: int = 0
    missing: int = 0


class LedgerWatch:
    """Looks at every route and destination of one mesh."""

    def __init__(self, bus: Bus, metrics: Metrics) -> None:
        """Begin with what comes from now on.

        Args:
            bus: Connected.
            metrics: To show what is missing.
        """
        self._bus = bus
        self._metrics = metrics
        self._books: dict[tuple[str, str], _Book] = {}
        self._record = 0

    async def run(self, every: float = EVERY) -> None:
        """Look now and then until cancelled; survives a broker that is away."""
        while True:
            try:
                await self.look()
            except (Disconnected, NatsError) as error:
                _log.info("not looked at", extra={"why": type(error).__name__})
            await asyncio.sleep(every)

    async def look(self) -> None:
        """Look once.

        Raises:
            Disconnected: The broker does not answer.
            NatsError: The same.
        """
        if not self._record:
            self._record = (await self._extent("record"))[1] + 1
        consumers = {kind: await self._bus.consumers(kind) for kind in _STREAMS}
        await self._read()
        missing: Counter[str] = Counter()
        books: dict[tuple[str, str], _Book] = {}
        for kind, (prefix, what) in _STREAMS.items():
            # What comes after this has its record after those that were read.
            first, last = await self._extent(kind)
            for consumer in consumers[kind]:
                name = consumer.name.removeprefix(prefix)
                book = self._books.get((what, name))
                if book is None or book.filters != consumer.filters:
                    earlier = 0 if book is None else book.missing
                    book = _Book(consumer.filters, last + 1, missing=earlier)
                book.begin = max(book.begin, first)  # the janitor removes what is settled
                books[what, name] = book
                missing[name] += await self._balance(kind, consumer, book)
        self._books = books
        self._show(missing)

    def _show(self, missing: Counter[str]) -> None:
        for name, count in missing.items():
            self._metrics.gauge(LEDGER_MISSING, name).set(count)
            if count:
                _log.error("messages missing", extra={"component": name, "missing": count})

    async def _extent(self, kind: str) -> tuple[int, int]:
        info = await self._bus.jetstream.stream_info(self._bus.subjects.stream(kind))
        return info.state.first_seq, info.state.last_seq

    async def _read(self) -> None:
        async for stored in self._bus.read("record", sequence=self._record):
            self._record = stored.sequence + 1
            record = records.read(stored.data)
            book = self._books.get((record.kind, record.where))
            if book is not None:
                begin = book.begin
                book.told.update(each.sequence for each in record.entries if each.sequence >= begin)

    async def _balance(self, kind: str, consumer: ConsumerState, book: _Book) -> int:
        """Return how many messages of a consumer are missing."""
        owed = await expected(self._bus, kind, consumer, book.begin)
        told = sum(1 for each in book.told if book.begin <= each <= consumer.floor)
        gap = max(0, owed - told)
        book.looks = book.looks + 1 if gap else 0
        missing = book.missing + gap
        if not gap or book.looks >= _LOOKS:
            book.missing = missing
            book.begin = max(book.begin, consumer.floor + 1)
            book.told = {each for each in book.told if each >= book.begin}
            book.looks = 0
        return missing
