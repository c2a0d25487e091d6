"""What a change does to those who read and those who write."""

from __future__ import annotations

from enum import StrEnum


class Effect(StrEnum):
    """Whether everything that was valid stays valid, in one direction."""

    KEEPS = "keeps"
    BREAKS = "breaks"
    UNDECIDED = "undecided"

    @property
    def safe(self) -> bool:
        """Whether it is proven that nothing breaks: what is not decided counts as a break."""
        return self is Effect.KEEPS


def worst(*effects: Effect) -> Effect:
    """Return the worst of several effects; keeps when there is none."""
    for each in (Effect.BREAKS, Effect.UNDECIDED):
        if each in effects:
            return each
    return Effect.KEEPS
