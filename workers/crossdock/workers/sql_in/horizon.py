"""Up to where a row may still appear: pure, no I/O.

A transaction takes a number, and its row is seen when it commits: maybe long after rows with higher
numbers. So a row is passed over for good only when every transaction has ended that had begun to
write before the row was read. PostgreSQL tells which have: all below ``pg_snapshot_xmin``.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from crossdock.workers.sql_in.position import Place


class Snapshot(msgspec.Struct, frozen=True):
    """Which transactions have ended at a moment.

    Attributes:
        low: All with a lower number have.
        high: None with this number or a higher one has begun to write.
    """

    low: int
    high: int


class Horizon:
    """Remembers of each row that is read again which transactions could be at work before it."""

    def __init__(self) -> None:
        self._begun: dict[Place, int] = {}
        self._last: Sequence[Place] = ()
        self._passable = 0

    def look(self, snapshot: Snapshot | None, listing: Sequence[Place]) -> None:
        """Take what was read.

        Args:
            snapshot: Taken before the rows were read, after those of the last look; None where no
                row can appear late.
            listing: The rows, in the order of the database.
        """
        if snapshot is None:
            self._passable = len(listing)
            return
        for place in self._last:
            self._begun.setdefault(place, snapshot.high)
        self._last = listing
        self._begun = {each: self._begun[each] for each in listing if each in self._begun}
        self._passable = next(
            (i for i, each in enumerate(listing) if not self._over(each, snapshot)), len(listing)
        )

    @property
    def passable(self) -> int:
        """How many rows of the listing, from its beginning, none can appear between any more."""
        return self._passable

    def passed(self, count: int) -> None:
        """Note that so many rows are not in the listing any more."""
        self._passable = max(0, self._passable - count)

    def _over(self, place: Place, snapshot: Snapshot) -> bool:
        begun = self._begun.get(place)
        return begun is not None and begun <= snapshot.low
