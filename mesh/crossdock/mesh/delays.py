"""How long to wait before the next attempt: pure, but for the dice."""

from __future__ import annotations

import random

from crossdock.mesh.project.settings import Policy


def delay_before(attempt: int, policy: Policy) -> float:
    """Return the seconds to wait after the given number of attempts.

    Args:
        attempt: Attempts so far, from 1.
        policy: Its delays, of which the last repeats, and its jitter.
    """
    if not policy.delays:
        return 1.0
    base = float(policy.delays[min(attempt, len(policy.delays)) - 1])
    spread = base * policy.jitter
    return max(0.001, base + random.uniform(-spread, spread))  # noqa: S311 - jitter, no secret
