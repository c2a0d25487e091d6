"""The context attributes of a CloudEvent from outside: named, typed and bounded.

Names follow section 3.1 of CloudEvents 1.0 (lower-case letters and digits, at most 20); values are
strings without control characters. What is neither is refused, never repaired (I5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from crossdock.contracts import Problem
from crossdock.contracts.message import SPEC_VERSION, is_extension

MAX_EXTENSIONS: Final = 32
MAX_LENGTH: Final = 1024
CORE: Final = frozenset(
    {
        "id",
        "source",
        "type",
        "specversion",
        "dataschema",
        "datacontenttype",
        "subject",
        "time",
    }
)
_REQUIRED: Final = ("id", "source", "specversion", "type")
_NOT_TEXT: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_URI_REFERENCE: Final = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+\Z")
_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII
)
_SHOWN: Final = 40


def read_attributes(given: Mapping[str, object], at: str) -> tuple[dict[str, str], list[Problem]]:
    """Return the attributes as strings, and every problem with them.

    Args:
        given: Attributes by name; a value may be a string, an integer or a boolean. None is the
            same as not given.
        at: JSON Pointer of the event.
    """
    present = {name: value for name, value in given.items() if value is not None}
    texts = {name: _text(value) for name, value in present.items()}
    problems = [
        Problem(message=why, pointer=f"{at}/{escape(name)}", keyword=keyword)
        for name, text in texts.items()
        if (found := _wrong(name, text)) is not None
        for keyword, why in (found,)
    ]
    problems += [
        Problem(message=f"attribute {name} is missing", pointer=at, keyword="required")
        for name in _REQUIRED
        if name not in present
    ]
    if len(present.keys() - CORE) > MAX_EXTENSIONS:  # I8
        problems.append(
            Problem(
                message=f"more than {MAX_EXTENSIONS} extension attributes",
                pointer=at,
                keyword="maxProperties",
            )
        )
    return {name: text for name, text in texts.items() if text is not None}, problems


def escape(name: str) -> str:
    """Return a name, shortened for people, as one token of a JSON Pointer."""
    shown = _NOT_TEXT.sub("?", name[:_SHOWN])
    return shown.replace("~", "~0").replace("/", "~1")


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else None


def _wrong(name: str, text: str | None) -> tuple[str, str] | None:
    """Return keyword and text of the first thing that is wrong with an attribute."""
    if name == "dataref":  # it would be the mesh that fetches, with its own rights
        return "dataref", "only the mesh itself keeps data apart from a message: send the data"
    if name not in CORE and not is_extension(name):
        return "name", "an attribute's name is 1 to 20 lower-case letters and digits"
    if text is None:
        return "type", "an attribute is a string, an integer or a boolean"
    if not 1 <= len(text) <= MAX_LENGTH:
        return "length", f"an attribute has 1 to {MAX_LENGTH} characters"
    if _NOT_TEXT.search(text):
        return "pattern", "control characters are not allowed"
    return next(_wrong_core(name, text), None)


def _wrong_core(name: str, text: str) -> Iterator[tuple[str, str]]:
    if name == "specversion" and text != SPEC_VERSION:
        yield "const", "only CloudEvents 1.0 is accepted"
    if name in ("source", "dataschema") and not _URI_REFERENCE.match(text):
        yield "format", "must be a URI reference"
    if name == "time" and not _is_time(text):
        yield "format", "must be an RFC 3339 time, as 2026-01-31T12:00:00Z"


def _is_time(text: str) -> bool:
    if not _TIME.match(text):
        return False
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return True
