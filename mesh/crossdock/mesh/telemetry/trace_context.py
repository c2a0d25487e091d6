"""W3C Trace Context: reading and making ``traceparent`` and ``tracestate``, without any SDK.

Both come from outside and are hostile: what is not exactly as the standard says is not passed on.
"""

from __future__ import annotations

import os
import re
from typing import Final

_VERSION_00 = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_KEY: Final = r"(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
_MEMBER = re.compile(_KEY + r"=[ -+\--<>-~]{0,255}[!-+\--<>-~]")
_MOST_MEMBERS: Final = 32
_MOST_CHARACTERS: Final = 512
_LENGTH: Final = 55
_RANDOM_BITS: Final = 56

valid_traceparent = _VERSION_00.fullmatch
"""Match exactly what version 00 of the standard allows; None for anything else."""


def is_sampled(traceparent: str) -> bool:
    """Tell whether a ``traceparent`` asks to be recorded; only looks at the flags."""
    return len(traceparent) == _LENGTH and traceparent[-1] in "13579bdf"


def trace_id(traceparent: str) -> str:
    """Return the trace id of a valid ``traceparent``, for log lines."""
    return traceparent[3:35]


def new_traceparent(ratio: float) -> str:
    """Return the context of a new trace.

    Args:
        ratio: Share of traces that are recorded, 0 to 1. The decision hangs on the trace id alone,
            so that every service that decides on the same id decides the same.
    """
    ids = os.urandom(24).hex()
    sampled = int(ids[18:32], 16) < ratio * (1 << _RANDOM_BITS)
    return f"00-{ids[:32]}-{ids[32:]}-0{int(sampled)}"


def clean_tracestate(tracestate: str) -> str:
    """Return the members of a valid ``tracestate``, and ``""`` for one that is not valid.

    White space around members, which may be tabs, is left out: it must not come into a header.
    """
    if not tracestate or len(tracestate) > _MOST_CHARACTERS:
        return ""
    members = [each.strip(" \t") for each in tracestate.split(",")]
    filled = [each for each in members if each]
    keys = {each.partition("=")[0] for each in filled}
    if len(members) > _MOST_MEMBERS or len(keys) != len(filled):
        return ""
    return ",".join(filled) if all(_MEMBER.fullmatch(each) for each in filled) else ""
