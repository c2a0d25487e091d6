"""What long-running commands write: results to standard output, all else to standard error."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from typing import TextIO

import msgspec

from crossdock.contracts import Problem

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__)


class PlainLines(logging.Formatter):
    """One line for a person: the event, then its data."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        extras = [f"{k}={v}" for k, v in record.__dict__.items() if k not in _STANDARD]
        data = f" ({', '.join(extras)})" if extras else ""
        name = record.name.removeprefix("crossdock.")
        return f"{name}: {record.getMessage()}{data}"


class _CurrentStderr(logging.StreamHandler[TextIO]):
    """Writes to what is standard error now: a live display puts itself in between."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None:
        """Ignore the one that the constructor sets."""


def log_plainly(level: int = logging.INFO) -> None:
    """Write log lines of this process to standard error, without the weight of telemetry."""
    handler = _CurrentStderr()
    handler.setFormatter(PlainLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("asyncio", "watchfiles"):
        logging.getLogger(name).setLevel(logging.WARNING)


def say(text: str) -> None:
    """Write one line of result to standard output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def say_json(value: object) -> None:
    """Write one value of result to standard output, as one line of JSON."""
    say(msgspec.json.encode(value).decode())


def complain(reason: str, problems: Iterable[Problem] = ()) -> None:
    """Write to standard error what is wrong, each problem on its line."""
    for each in problems:
        sys.stderr.write(f"{each}\n")
    sys.stderr.write(f"{reason}\n")
