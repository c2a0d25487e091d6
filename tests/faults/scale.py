"""How much a fault test does: short in CI, long by ``make faults``."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Read from the environment.

    Attributes:
        messages: At least so many are sent in each row.
        kills: So many processes are killed in each row.
        seed: Of everything that is random.
    """

    messages: int
    kills: int
    seed: int

    @property
    def patience(self) -> float:
        """Seconds after which what was sent must have come to rest."""
        return 60 + self.messages / 100 + self.kills


def scale(*, messages: int, kills: int) -> Scale:
    """Return the row's short form, or what the environment says instead."""
    return Scale(
        messages=int(os.environ.get("CROSSDOCK_FAULT_MESSAGES", messages)),
        kills=int(os.environ.get("CROSSDOCK_FAULT_KILLS", kills)),
        seed=int(os.environ.get("CROSSDOCK_FAULT_SEED", "1")),
    )
