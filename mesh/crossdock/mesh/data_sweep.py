"""Removes data that no retained message refers to any more, and nothing else (Claim Check).

``in`` and ``out`` lose messages at their beginning only. So it is enough to know up to where in
them the checks of some data may be: a *horizon* says that all that was published on the strength of
entries up to one sequence of the data's stream is not beyond these sequences of ``in`` and ``out``.
It is taken :data:`~crossdock.mesh.bus.claim_checks.GRACE` after that sequence was seen, by a clock
that never jumps: by then what was held is published, or held anew. When both streams begin behind a
horizon, none of them refers to that data. Dead letters and groups go one by one, so they are read.

The order of looking decides: entries, then the beginnings of the streams, then groups, then dead
letters. That is the way of a message, so what leaves one place before we look there has come to the
next before we look there; and what goes any other way is held, which changes its entry: then it is
not removed. The proof is in ``docs/adr/0012-claim-check.md``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Final

import msgspec

from crossdock.contracts.claim_check import HEADER, checks_in
from crossdock.mesh.bus import Bus
from crossdock.mesh.bus.claim_checks import GRACE
from crossdock.mesh.bus.data_store import KIND
from crossdock.mesh.kept import Kept
from crossdock.mesh.telemetry import DataMetrics

_log = logging.getLogger("crossdock.janitor")

_BUCKET: Final = "claim-checks"
_KEY: Final = "horizons"
_MAX_BYTES: Final = 4 * 1024**2
_MOST_HORIZONS: Final = 1000
_LOOKS: Final = 5
"""Graces until groups and dead letters are read again for nothing but what they kept before."""


class Horizon(msgspec.Struct, frozen=True, array_like=True):
    """Up to where messages refer to data that was held up to some time.

    Attributes:
        held: Sequence in the stream of the data.
        in_: Last sequence in ``in`` that may refer to what was held until then.
        out: The same for ``out``.
    """

    held: int
    in_: int
    out: int


class DataSweep:
    """Looks after the data of one mesh; any number may, that does no harm."""

    def __init__(self, bus: Bus, metrics: DataMetrics | None = None, grace: float = GRACE) -> None:
        """Begin with what is held from now on.

        Args:
            bus: Connected.
            metrics: To show what there is.
            grace: Seconds after which what was held is published.
        """
        self._bus = bus
        self._metrics = metrics
        self._grace = grace
        self._kept = Kept(bus, _BUCKET, max_bytes=_MAX_BYTES)
        self._seen: tuple[int, float] | None = None
        self._in_use: set[str] = set()
        self._looked = -_LOOKS * grace

    async def sweep(self) -> int:
        """Remove what may go; return how much that was.

        Raises:
            Disconnected: The broker does not answer.
            CrossdockError: Something cannot be kept.
        """
        state = await self._bus.extent(KIND)
        if not state.messages:
            self._show(0, 0)
            return 0
        horizons = await self._horizons(state.last)
        entries = await self._bus.claim_checks.store.entries()
        self._show(len(entries), state.size)
        behind = await self._behind(horizons)
        old = {digest: at for digest, at in entries.items() if at <= behind}
        removed = 0
        for digest in old.keys() - await self._used(old):
            removed += await self._bus.claim_checks.store.remove(digest, old[digest])
        removed += await self._bus.claim_checks.store.remove_remains(set(entries), state.last)
        if removed:
            _log.info("data removed", extra={"objects": removed})
            if self._metrics is not None:
                self._metrics.removed.inc(removed)
        return removed

    async def _horizons(self, last: int) -> list[Horizon]:
        """Return what is known, with a new horizon when one is due."""
        found = await self._kept.get(_KEY)
        horizons = msgspec.json.decode(found, type=list[Horizon]) if found else []
        now = time.monotonic()
        if self._seen is None:
            self._seen = (last, now)
        held, since = self._seen
        if now - since < self._grace:
            return horizons
        self._seen = (last, now)
        if any(each.held >= held for each in horizons):
            return horizons
        in_, out = await self._bus.extent("in"), await self._bus.extent("out")
        horizons.append(Horizon(held, in_.last, out.last))
        behind = await self._behind(horizons)
        horizons = [each for each in horizons if each.held >= behind]
        if len(horizons) > _MOST_HORIZONS:  # a later one holds, too
            horizons = horizons[::-2][::-1]
        # Two janitors may overwrite what the other has added: it is taken again, later.
        await self._kept.put(_KEY, msgspec.json.encode(horizons))
        return horizons

    async def _behind(self, horizons: list[Horizon]) -> int:
        """Return the sequence up to which what was held is in no message of the two streams."""
        in_, out = await self._bus.extent("in"), await self._bus.extent("out")
        passed = [each.held for each in horizons if in_.first > each.in_ and out.first > each.out]
        return max(passed, default=0)

    async def _used(self, digests: Iterable[str]) -> set[str]:
        """Return the digests that groups and dead letters refer to; they are read when needed."""
        now = time.monotonic()
        if self._in_use.issuperset(digests) and now - self._looked < _LOOKS * self._grace:
            return self._in_use
        self._looked = now
        used: set[str] = set()
        for kind in ("group", "dead"):  # in this order, see above
            async for stored in self._bus.read(kind):
                for text in (stored.headers.get(HEADER, "").encode(), stored.data):
                    used.update(each.digest for each in checks_in(text))
        self._in_use = used
        return used

    def _show(self, objects: int, size: int) -> None:
        if self._metrics is not None:
            self._metrics.objects.set(objects)
            self._metrics.size.set(size)
