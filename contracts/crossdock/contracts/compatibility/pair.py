"""The two places of a comparison, and how what differs between them is reported."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from crossdock.contracts.compatibility.document import Node
from crossdock.contracts.compatibility.effects import Effect


class Change(msgspec.Struct, frozen=True):
    """What one side says and the other says differently.

    Attributes:
        old: What the old schema says, for a person; None for nothing.
        new: What the new schema says.
        pointer: Where.
        old_rule: What new documents must keep for old readers; None when that is nothing.
        new_rule: What old documents must keep for new readers.
    """

    old: Any
    new: Any
    pointer: str = ""
    old_rule: Node | None = None
    new_rule: Node | None = None


class Walk(Protocol):
    """The comparison that a pair belongs to."""

    def pair(self, old: Node, new: Node) -> None:
        """Compare two places below."""

    def effect(self, source: Node, target: Node) -> Effect:
        """Tell whether one place accepts whatever another does."""

    def report(self, pair: Pair, code: str, change: Change) -> None:
        """Note a difference."""

    def mark(self) -> int:
        """Return how many differences are noted."""

    def report_rest(self, pair: Pair, code: str, change: Change, mark: int) -> None:
        """Note a difference, unless those noted since a mark tell already whom it breaks."""

    def annotate(self, code: str, change: Change) -> None:
        """Note a difference that means nothing to a validator."""


class Pair(msgspec.Struct, frozen=True, eq=False):
    """Two places that belong together.

    Attributes:
        old: The one in the old schema.
        new: The one in the new schema.
        walk: The comparison.
    """

    old: Node
    new: Node
    walk: Walk

    def report(self, code: str, change: Change) -> None:
        """Note a difference here."""
        self.walk.report(self, code, change)

    def keyword(self, code: str, keyword: str, *with_it: str) -> None:
        """Note that a keyword differs.

        Args:
            code: What kind of difference it is.
            keyword: The keyword.
            with_it: Keywords without which its meaning is not known.
        """
        self.report(code, self.change(keyword, *with_it))

    def change(self, keyword: str, *with_it: str) -> Change:
        """Return what both sides say by a keyword, and those that give it its meaning."""
        there = keyword in self.new.keywords
        return Change(
            old=self.old.get(keyword),
            new=self.new.get(keyword),
            pointer=f"{(self.new if there else self.old).pointer}/{keyword}",
            old_rule=self.old.only(keyword, *with_it),
            new_rule=self.new.only(keyword, *with_it),
        )

    def added_or_removed(self, code: str, keyword: str, *with_it: str) -> bool:
        """Note it when one side only has a keyword; tell whether it is so."""
        old, new = keyword in self.old.keywords, keyword in self.new.keywords
        if old != new:
            self.keyword(f"{code}-{'added' if new else 'removed'}", keyword, *with_it)
        return old != new
