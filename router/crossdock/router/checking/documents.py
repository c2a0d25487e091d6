"""Documents to try a mapping with: those that a contract has as examples, and variations of them.

Variations are of form, and deterministic: an optional field is left out, each value of an enum is
there once, null where it is allowed, lists with no, one and two items. The values of texts and
numbers stay those that a person wrote, so a mapping is not refused for a price that nobody asks;
only what the route itself asks for is there, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from time import monotonic
from typing import Any, Final

from crossdock.contracts import Contract
from crossdock.mesh.expression import Json
from crossdock.router.checking.asking import Asked, with_asked
from crossdock.router.checking.comparing import keeps
from crossdock.router.checking.schema_types import type_of_schema
from crossdock.router.checking.types import (
    Bool,
    Kind,
    List,
    Missing,
    Null,
    Number,
    Object,
    Text,
    Type,
)

MOST: Final = 200
LONGEST: Final = 2.0
_DEPTH: Final = 6
_MOST_ASKED: Final = 60
_TEXTS: Final = (
    "text",
    "2024-02-29T12:00:00Z",
    "2024-02-29",
    "12:00:00Z",
    "anna@example.org",
    "https://example.org/a",
    "6f1c1a4e-9b1d-4c7e-8f0a-2d6b1c3e5a7f",
    "192.0.2.1",
    "P1D",
    "DE",
    "EUR",
    "1",
    "A1",
    "0123456789",
    "a text that is long enough for most",
)
_NOT_THERE: Final = object()


def documents(
    contract: Contract, examples: tuple[Json, ...], asked: Asked | None = None
) -> Iterator[Json]:
    """Return documents that a contract accepts, the plainest first.

    At most :data:`MOST`, and none any more after :data:`LONGEST` seconds: of a contract with many
    alternatives most variations are of none.

    Args:
        contract: The contract.
        examples: Documents that a person wrote; one is made up when there is none.
        asked: What the route compares fields with: they have these values, too.
    """
    data = type_of_schema(contract.schema)
    bases = list(examples) or list(islice(_made_up(data, _DEPTH), 1))
    near = (each for base in bases for each in with_asked(base, asked or {}))
    varied = (each for base in bases for each in variations(base, data, _DEPTH))
    found = chain(bases, islice(near, _MOST_ASKED), varied)
    yield from islice(_valid(contract, found), MOST)


def _valid(contract: Contract, found: Iterable[Json]) -> Iterator[Json]:
    end = monotonic() + LONGEST
    for each in found:
        if monotonic() > end:
            return
        if not contract.problems(each):
            yield each


def variations(value: Json, data: Type, depth: int) -> Iterator[Json]:
    """Return values that differ from one in one place, as far as a type allows.

    Args:
        value: The value.
        data: Its type.
        depth: How many levels of it are varied.
    """
    for kind in data.kinds:
        if isinstance(kind, Null):
            yield None
        elif isinstance(kind, Bool) or (
            isinstance(kind, Text | Number) and kind.values is not None
        ):
            yield from _sorted(kind.values or ())
        elif depth and isinstance(kind, Object) and isinstance(value, dict):
            yield from _objects(value, kind, depth)
        elif depth and isinstance(kind, List) and isinstance(value, list):
            yield from _lists(value, kind, depth)


def _sorted(values: Iterable[Any]) -> list[Any]:
    return sorted(values)


def _objects(value: dict[str, Json], kind: Object, depth: int) -> Iterator[Json]:
    for name in value:
        if kind.field(name).may_miss:
            yield {other: each for other, each in value.items() if other != name}
    for name, found in kind.fields.items():
        if name in value:
            changed = variations(value[name], found, depth - 1)
        else:
            changed = islice(_made_up(found, depth - 1), 1)
        yield from ({**value, name: each} for each in changed)


def _lists(value: list[Json], kind: List, depth: int) -> Iterator[Json]:
    yield []
    first = value[:1] or list(islice(_made_up(kind.item, depth - 1), 1))
    if first:
        yield first
        yield [*first, *first]
        yield from ([each] for each in variations(first[0], kind.item, depth - 1))


def _made_up(data: Type, depth: int) -> Iterator[Json]:
    """Return values of a type; nothing where none is known."""
    for kind in data.kinds:
        if not isinstance(kind, Missing):
            made = _one(kind, depth)
            if made is not _NOT_THERE:
                yield made


def _one(kind: Kind, depth: int) -> Json:
    if isinstance(kind, Text):
        texts = _TEXTS if kind.values is None else sorted(kind.values)
        return next((each for each in texts if keeps(each, kind.rules)), _NOT_THERE)
    if isinstance(kind, Number):
        tried = (10, 1, 0, 100, kind.low, kind.high, kind.low + 1, *sorted(kind.values or ()))
        return next((each for each in tried if kind.has(each)), _NOT_THERE)
    if isinstance(kind, Bool):
        return max(kind.values)
    if isinstance(kind, List):
        return _list(kind, depth)
    if isinstance(kind, Object):
        return _object(kind, depth)
    return None if isinstance(kind, Null) else _NOT_THERE


def _list(kind: List, depth: int) -> Json:
    item = next(_made_up(kind.item, depth - 1), _NOT_THERE) if depth else _NOT_THERE
    if item is _NOT_THERE:
        return _NOT_THERE if kind.least else []
    return [item] * max(1, kind.least)


def _object(kind: Object, depth: int) -> Json:
    made: dict[str, Json] = {}
    for name, found in kind.fields.items():
        value = next(_made_up(found, depth - 1), _NOT_THERE) if depth else _NOT_THERE
        if value is not _NOT_THERE:
            made[name] = value
        elif not found.may_miss and not found.is_unknown:
            return _NOT_THERE
        elif not found.may_miss:
            made[name] = "text"
    return made
