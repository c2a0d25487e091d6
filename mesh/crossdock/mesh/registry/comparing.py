"""What differs between two revisions, as a person thinks of it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from crossdock.mesh.registry.paths import Item, item_of
from crossdock.mesh.registry.revision import Files

Sign = Literal["added", "changed", "removed"]
_MAX_LINES: Final = 400
_MAX_LINE: Final = 200


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One file that differs.

    Attributes:
        path: Of the file.
        sign: What happened to it.
        item: What it is a part of.
    """

    path: str
    sign: Sign
    item: Item


def compare(before: Files, after: Files) -> list[Change]:
    """Return what differs, by path."""
    changes = []
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old != new:
            sign: Sign = "added" if old is None else "removed" if new is None else "changed"
            changes.append(Change(path=path, sign=sign, item=item_of(path)))
    return changes


def removed_names(changes: Iterable[Change], kind: str) -> list[str]:
    """Return the names of the things of a kind that are there no longer."""
    return [
        each.item.name
        for each in changes
        if each.sign == "removed" and each.item.kind == kind and each.item.main
    ]


def text_diff(before: bytes, after: bytes) -> list[str]:
    """Return how a text changed, as lines of a unified diff without its head.

    Lines and characters beyond a bound are left out, and it says so.
    """
    old, new = (_lines(each) for each in (before, after))
    lines = [
        line if len(line) <= _MAX_LINE else f"{line[:_MAX_LINE]}…"
        for line in list(difflib.unified_diff(old, new, n=2, lineterm=""))[2:]
    ]
    more = len(lines) - _MAX_LINES
    return [*lines[:_MAX_LINES], f"… {more} lines more"] if more > 0 else lines


def _lines(content: bytes) -> list[str]:
    text = content.decode("utf-8", "backslashreplace")
    return ["".join(c if c.isprintable() else "\ufffd" for c in line) for line in text.splitlines()]
