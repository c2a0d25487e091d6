"""How far a table was read: pure, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import TypeAlias

import msgspec

Place: TypeAlias = tuple[int | float | str, ...]
"""Key and tie of a row. Only the database knows how they are ordered: collations, times."""


class Position(msgspec.Struct, frozen=True):
    """Everything up to ``low`` is done, and beyond it the rows in ``done``.

    A transaction may take a key, and commit after rows with higher keys were read. So the last
    rows are not forgotten but read again, and those that are done are left out.

    Attributes:
        low: Row below which nothing is read again; None before the first.
        done: Rows above it that are done, in the order of the database.
    """

    low: Place | None = None
    done: tuple[Place, ...] = ()

    def after(
        self,
        finished: AbstractSet[Place],
        listing: Sequence[Place],
        *,
        whole: bool,
        overlap: int,
        passable: int,
    ) -> Position:
        """Return the position once more rows are done.

        Args:
            finished: Those rows.
            listing: What was last read above ``low``, in the order of the database.
            whole: Whether that was all there was; then a row that is not in it was deleted.
            overlap: Rows to read again in any case.
            passable: How many rows of the listing none can appear between any more.
        """
        done = finished | set(self.done)
        ordered = [place for place in listing if place in done]
        if not whole:
            listed = set(listing)
            ordered += [place for place in self.done if place not in listed]
        surplus = min(len(ordered) - overlap, _until_open(listing, done), passable)
        if surplus <= 0:
            return Position(self.low, tuple(ordered))
        return Position(ordered[surplus - 1], tuple(ordered[surplus:]))


def _until_open(listing: Sequence[Place], done: AbstractSet[Place]) -> int:
    """Count the rows before the first one that is not done: `low` never passes that (I1)."""
    return next((i for i, place in enumerate(listing) if place not in done), len(listing))
