"""Batches in which a key may be there more than once: what such a handler has to keep to (I7)."""

from __future__ import annotations

from collections.abc import Iterable

from crossdock.contracts import CrossdockError, Reject


def stop_at_first(outcomes: Iterable[CrossdockError | None]) -> None:
    """Let a batch stop where a message has to be tried again, before anything behind it is done.

    Called before effects: then each message is tried on its own, in order.

    Raises:
        CrossdockError: Why the first of them cannot be done now. A dead letter stops nothing.
    """
    for outcome in outcomes:
        if outcome is not None and not isinstance(outcome, Reject):
            raise outcome
