"""Paths of fields, as ``keep`` and ``drop`` name them: ``customer.country``, ``lines.sku``.

A path reads as in JSONata: names with dots between them, a name with other characters in
backquotes, and every item of a list is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

from crossdock.mesh.expression import Json

_NAME: Final = r"(?:[A-Za-z_][A-Za-z0-9_]*|`[^`]+`)"
_PATH: Final = re.compile(rf"{_NAME}(?:\.{_NAME})*\Z")
_EACH: Final = re.compile(_NAME)
Tree: TypeAlias = "dict[str, Tree]"
"""Names and what is below them; a name with nothing below it is where a path ends."""


def parse_path(text: str) -> tuple[str, ...]:
    """Read a path.

    Raises:
        ValueError: With a text for the person who wrote it.
    """
    if not _PATH.match(text):
        raise ValueError(
            f"{text[:80]!r} is not the path of a field: write for example customer.country, and a "
            "name with other characters in backquotes"
        )
    return tuple(each.strip("`") for each in _EACH.findall(text))


def tree_of(paths: Iterable[tuple[str, ...]]) -> Tree:
    """Join paths to a tree; a path that leads into another's end belongs to that."""
    root: Tree = {}
    for path in sorted(paths, key=len):
        _add(root, path)
    return root


def kept(value: Json, tree: Tree) -> Json:
    """Return a value with nothing but these fields.

    Where a path leads on, but there is no object, nothing is kept: what was not named never stays.
    """
    if isinstance(value, list):
        return [kept(each, tree) for each in value if isinstance(each, dict | list)]
    if not isinstance(value, dict):
        return None
    return {
        name: kept(each, tree[name]) if tree[name] else each
        for name, each in value.items()
        if name in tree and (not tree[name] or isinstance(each, dict | list))
    }


def dropped(value: Json, tree: Tree) -> Json:
    """Return a value without these fields."""
    if isinstance(value, list):
        return [dropped(each, tree) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: dropped(each, tree[name]) if name in tree else each
        for name, each in value.items()
        if tree.get(name) != {}
    }


def _add(root: Tree, path: tuple[str, ...]) -> None:
    at = root
    for number, name in enumerate(path):
        known = name in at
        below = at.setdefault(name, {})
        if known and not below:
            return  # the whole of it is meant already
        if number < len(path) - 1:
            at = below
