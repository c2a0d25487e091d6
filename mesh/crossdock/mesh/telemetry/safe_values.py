"""Makes anything fit for a log line: bounded, JSON-like, without secrets and payloads (I6, I8)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

MOST_CHARACTERS: Final = 2000
_MOST_ITEMS: Final = 50
_DEEPEST: Final = 4
_LARGEST: Final = 1 << 53
_HIDDEN: Final = "***"
_SECRET_KEY = re.compile(
    r"password|passwd|passphrase|secret|token|credential|authorization|cookie|api[_-]?key|private",
    re.IGNORECASE,
)
_CREDENTIALS_IN_URL = re.compile(r"(\b[a-z][a-z0-9+.-]{0,30}://)[^/\s@]{1,500}@", re.IGNORECASE)
# C0, DEL, C1, line and paragraph separators, and what reorders text on a screen.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def safe_text(text: str) -> str:
    """Return at most 2000 characters, valid Unicode, without credentials of URLs."""
    if len(text) > MOST_CHARACTERS:
        text = f"{text[:MOST_CHARACTERS]}… ({len(text)} characters)"
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return _CREDENTIALS_IN_URL.sub(rf"\1{_HIDDEN}@", text)


def one_line(text: str) -> str:
    """Escape what could begin a new line, move the cursor or reorder the text of a terminal."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def json_line(value: object) -> str:
    """Return a safe value as JSON that no reader takes for two lines, in plain sight."""
    text = msgspec.json.encode(value).decode()
    # All of these can only be inside a string, where JSON reads them back from the escape.
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def safe_value(value: object, key: str = "", depth: int = 0) -> Any:  # noqa: ANN401 - JSON-like
    """Return a JSON-like value: what is not JSON becomes its bounded repr, bytes their length.

    Args:
        value: Anything.
        key: What it is called; the value of a key that sounds like a secret is hidden.
        depth: How deep it lies.
    """
    if key and _SECRET_KEY.search(key):
        return _HIDDEN
    if value is None or isinstance(value, bool | int | float | str):
        return _safe_scalar(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if depth < _DEEPEST and isinstance(value, Mapping | list | tuple | set | frozenset):
        return _safe_collection(value, depth + 1)
    return safe_text(_repr(value))


def _safe_scalar(value: Any) -> bool | float | str | None:  # noqa: ANN401 - any scalar
    match value:
        case None | bool():
            return value
        case str():
            return safe_text(str(value))
        case int():  # beyond the limit a reader in JavaScript would round it
            return int(value) if -_LARGEST <= value <= _LARGEST else safe_text(hex(value))
        case _:
            return float(value) if math.isfinite(value) else repr(float(value))


def _safe_collection(value: Any, depth: int) -> Any:  # noqa: ANN401 - JSON-like
    if isinstance(value, Mapping):
        pairs = list(value.items())[:_MOST_ITEMS]
        return {safe_text(str(k)): safe_value(v, str(k), depth) for k, v in pairs}
    return [safe_value(each, "", depth) for each in list(value)[:_MOST_ITEMS]]


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - a value's own repr may raise anything; the line must go out
        return f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"
