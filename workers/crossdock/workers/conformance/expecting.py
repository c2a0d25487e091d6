"""How a check says what was promised and what happened instead."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from crossdock.contracts import Disconnected
from crossdock.workers.conformance.harness import MARK

_PATIENCE: Final = 30.0  # seconds for one open


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


async def expect_open_while_away(opening: Callable[[], Awaitable[None]]) -> None:
    """Open while the system is away: it succeeds (nothing to connect yet) or is Disconnected.

    Args:
        opening: The ``open`` of a closed source or sink.

    Raises:
        NotConforming: When it raises anything else, or hangs.
    """
    try:
        await asyncio.wait_for(opening(), _PATIENCE)
    except Disconnected:
        return
    except Exception as error:  # noqa: BLE001 - a check must see any error, to say which it was
        expect(holds=False, promise="an unreachable system is Disconnected", found=error)


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
