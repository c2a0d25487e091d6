"""Tells why no value of one type can ever be of another: a mapping that cannot keep its contract.

Only what holds for every value is told. What may go wrong for some is found by trying.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TypeAlias

from crossdock.router.checking.comparing import describe, overlap
from crossdock.router.checking.types import List, Object, Type

Path: TypeAlias = tuple[str, ...]


def breaks(given: Type, wanted: Type, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Tell in which fields a type never fits, and why.

    Args:
        given: What there is.
        wanted: What the contract accepts.
        path: Where in the result this is; steps of lists are left out.

    Yields:
        Path of a field, and what is wrong with it.
    """
    if not given.kinds or overlap(given, wanted):
        return
    one, other = given.present.kinds, wanted.present.kinds
    if len(one) == 1 and len(other) == 1:
        if isinstance(one[0], Object) and isinstance(other[0], Object):
            yield from _fields(one[0], other[0], path)
            return
        if isinstance(one[0], List) and isinstance(other[0], List):
            yield from breaks(one[0].item, other[0].item, path)
            return
    if not one:
        yield (
            path,
            f"{_at(path)}nothing is given, and the contract wants {describe(wanted.present)}",
        )
    else:
        what = f"{describe(given.present)} is given"
        yield path, f"{_at(path)}{what}, and the contract wants {describe(wanted.present)}"


def _fields(given: Object, wanted: Object, path: Path) -> Iterator[tuple[Path, str]]:
    for name, found in given.fields.items():
        allowed = wanted.field(name)
        if not allowed.present.kinds and found.present.kinds:
            if not found.may_miss:
                yield (*path, name), _at(path) + _unknown(name, given, wanted)
        elif found.present.kinds:
            yield from breaks(found, allowed, (*path, name))
    for name, allowed in wanted.fields.items():
        if not allowed.may_miss and not given.field(name).present.kinds:
            yield path, f"{_at(path)}{name!r} is not given, and the contract requires it: add it"


def _unknown(name: str, given: Object, wanted: Object) -> str:
    free = [each for each in wanted.fields if each not in given.fields]
    near = get_close_matches(name[:80], free, n=1)
    hint = (
        f"did you mean {near[0]!r}?" if near else f"there is {', '.join(list(wanted.fields)[:8])}"
    )
    return f"{name[:80]!r} is given, and the contract has no such field; {hint}"


def _at(path: Path) -> str:
    return f"{'.'.join(path)}: " if path else ""
