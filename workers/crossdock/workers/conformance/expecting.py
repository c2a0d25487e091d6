"""How a check says what was promised and what happened instead."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from crossdock.workers.conformance.harness import MARK


class NotConforming(AssertionError):
    """An implementation breaks the contract of its port."""


def expect(holds: object, promise: str, found: object = "") -> None:
    """Raise unless a promise holds.

    Args:
        holds: Whether it does.
        promise: What the port's docstring promises.
        found: What was seen instead.

    Raises:
        NotConforming: When it does not hold.
    """
    if not holds:
        raise NotConforming(f"{promise}; found {found!r}" if found != "" else promise)


class _Listener(logging.Handler):
    """Keeps everything that a log record carries, as text."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(f"{record.getMessage()} {record.__dict__!r}")


@contextmanager
def no_payload_in_logs() -> Iterator[None]:
    """Listen to every logger at every level, and expect that no record holds a payload (I6)."""
    root = logging.getLogger()
    listener, level = _Listener(), root.level
    root.addHandler(listener)
    root.setLevel(logging.NOTSET)
    try:
        yield
    finally:
        root.removeHandler(listener)
        root.setLevel(level)
    leaks = sum(MARK in text for text in listener.texts)
    expect(not leaks, "no log record holds a payload", f"{leaks} records")
