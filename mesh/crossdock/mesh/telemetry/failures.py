"""How an exception looks in a log line: kinds, places and our own reasons, nothing else (I6).

The text of a foreign exception often quotes what it choked on, and a frame's locals hold messages:
neither is shown. File, line and function are enough to find the place.
"""

from __future__ import annotations

import traceback
from types import FrameType, TracebackType
from typing import Any, Final

from crossdock.contracts import CrossdockError
from crossdock.mesh.telemetry.safe_values import safe_text

_MOST_FRAMES: Final = 30
_MOST_CAUSES: Final = 5


def describe_failure(error: BaseException, depth: int = 1) -> dict[str, Any]:
    """Return the kind, our reason, the places and the causes of an exception, as JSON-like value.

    Args:
        error: Any exception.
        depth: Which link of the chain of causes it is; the chain is cut after a few.
    """
    result: dict[str, Any] = {"type": type(error).__name__}
    reason = _reason(error)
    if reason:
        result["reason"] = safe_text(reason)
    result["at"] = places(error.__traceback__)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and depth < _MOST_CAUSES:
        result["cause"] = describe_failure(cause, depth + 1)
    return result


def places(where: TracebackType | FrameType | None) -> list[str]:
    """Return ``file:line function`` of the innermost frames of a traceback or a running frame."""
    if isinstance(where, FrameType):
        frames = [(frame, line) for frame, line in traceback.walk_stack(where)][::-1]
    else:
        frames = list(traceback.walk_tb(where))
    return [
        f"{frame.f_code.co_filename}:{line} {frame.f_code.co_qualname}"
        for frame, line in frames[-_MOST_FRAMES:]
    ]


def _reason(error: BaseException) -> str:
    """Return the text of our own errors, and the system's text for an OSError's number."""
    if isinstance(error, CrossdockError):
        return error.reason
    if isinstance(error, OSError) and error.errno is not None:
        return error.strerror or ""
    return ""
