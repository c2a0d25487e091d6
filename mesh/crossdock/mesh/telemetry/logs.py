"""Log lines: events with keys, as JSON for machines or as coloured lines for people.

Code writes ``log.info("worker started", extra={"worker": name})``: the text is the event, the
extras are its data. Whatever comes out is one line, bounded, without secrets (I6, I8).
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from crossdock.mesh.telemetry.failures import describe_failure
from crossdock.mesh.telemetry.safe_values import json_line, one_line, safe_text, safe_value

_NOT_EXTRAS: Final = frozenset(logging.makeLogRecord({}).__dict__) | {
    "message",
    "asctime",
    "taskName",
    "color_message",  # uvicorn's, with escape codes for its own formatter
}
_QUIETED: Final = {
    "asyncio": logging.WARNING,
    "faststream": logging.WARNING,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "nats": logging.WARNING,
    "opentelemetry": logging.ERROR,
    "urllib3": logging.ERROR,
    "uvicorn": logging.WARNING,
    "uvicorn.access": logging.WARNING,
    "uvicorn.error": logging.WARNING,
    "watchfiles": logging.WARNING,
}
_COLOURS: Final = {
    logging.DEBUG: "\x1b[2m",
    logging.WARNING: "\x1b[33m",
    logging.ERROR: "\x1b[31m",
    logging.CRITICAL: "\x1b[1;31m",
}
_PLAIN: Final = "\x1b[0m"


def configure_logging(
    service: str,
    mesh: str,
    *,
    json: bool | None = None,
    level: int | str = logging.INFO,
    stream: TextIO | None = None,
) -> None:
    """Send every log line of this process to one stream. Calling it again replaces the first.

    Args:
        service: ``gateway``, ``router``, ``worker`` or another part.
        mesh: Name of the mesh.
        json: One JSON object a line. When None, the environment variable ``CROSSDOCK_LOG``
            (``json`` or ``text``) decides; when it is not set, a terminal gets text.
        level: Lowest level that is shown of our own loggers.
        stream: Standard error when not given.
    """
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    if _wants_json(stream) if json is None else json:
        handler.setFormatter(JsonLines(service, mesh))
    else:
        colours = stream.isatty() and "NO_COLOR" not in os.environ
        handler.setFormatter(TextLines(service, colours=colours))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, lowest in _QUIETED.items():
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(lowest, root.level))


def log_unhandled(loop: asyncio.AbstractEventLoop) -> None:
    """Log what no task handled by its kind and place; asyncio's own line quotes its text (I6)."""
    loop.set_exception_handler(_unhandled)


class JsonLines(logging.Formatter):
    """One JSON object a line: ts, level, event, logger, service, mesh, then the extras."""

    def __init__(self, service: str, mesh: str) -> None:
        super().__init__()
        self._service = service
        self._mesh = mesh

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "ts": _timestamp(record.created),
            "level": record.levelname.lower(),
            "event": safe_text(record.getMessage()),
            "logger": record.name,
            "service": self._service,
            "mesh": self._mesh,
        }
        for key, value in _extras(record).items():
            line[f"extra_{key}" if key in line else key] = value
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = describe_failure(record.exc_info[1])
        return json_line(line)


class TextLines(logging.Formatter):
    """One line for a person: time, level, service, event, ``key=value``; then where it failed."""

    def __init__(self, service: str, *, colours: bool) -> None:
        super().__init__()
        self._service = service
        self._colours = colours

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and one more for each link of an exception's chain of causes."""
        when = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S.%f")[:-3]
        extras = "".join(f" {key}={_shown(value)}" for key, value in _extras(record).items())
        event = safe_text(record.getMessage())
        line = one_line(f"{when} {record.levelname:<8} {self._service:<8} {event}{extras}")
        if record.exc_info and record.exc_info[1] is not None:
            line += _chain(describe_failure(record.exc_info[1]))
        colour = _COLOURS.get(record.levelno) if self._colours else None
        return f"{colour}{line}{_PLAIN}" if colour else line


def _wants_json(stream: TextIO) -> bool:
    asked = os.environ.get("CROSSDOCK_LOG", "").strip().lower()
    return asked == "json" or (asked != "text" and not stream.isatty())


def _timestamp(created: float) -> str:
    return datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {
        safe_text(key): safe_value(value, key)
        for key, value in record.__dict__.items()
        if key not in _NOT_EXTRAS
    }


def _shown(value: object) -> str:
    if isinstance(value, str) and value and not any(c in value for c in " ='\""):
        return value
    return json_line(value)


def _chain(failure: dict[str, Any]) -> str:
    reason = f": {failure['reason']}" if "reason" in failure else ""
    at = failure["at"][-1] if failure["at"] else "nowhere"
    line = "\n    " + one_line(f"{failure['type']}{reason} at {at}")
    return line + (_chain(failure["cause"]) if "cause" in failure else "")


def _unhandled(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    info = (type(error), error, error.__traceback__) if isinstance(error, BaseException) else None
    task = context.get("task") or context.get("future")
    name = task.get_name() if isinstance(task, asyncio.Task) else ""
    logging.getLogger("crossdock").error(
        "error that no task handled", extra={"task": name}, exc_info=info
    )
