"""Makes types: of values, of several types together, of what JSONata's paths give."""

from __future__ import annotations

from math import isfinite
from typing import Final, TypeVar

from crossdock.router.checking.types import (
    ANYTHING,
    NOTHING,
    Bool,
    Kind,
    List,
    Null,
    Number,
    Object,
    Text,
    Type,
    Unknown,
)

T = TypeVar("T")
_MANY_OBJECTS: Final = 4
_MANY_VALUES: Final = 500


def union(*types: Type) -> Type:
    """Return what is of one of the types."""
    kinds: list[Kind] = []
    for each in types:
        for kind in each.kinds:
            if isinstance(kind, Unknown):
                return ANYTHING
            _add(kinds, kind)
    objects = [each for each in kinds if isinstance(each, Object)]
    if len(objects) > _MANY_OBJECTS:
        kinds = [each for each in kinds if not isinstance(each, Object)]
        kinds.append(_any_of(objects))
    return Type(tuple(kinds))


def optional(found: Type) -> Type:
    """Return a type that may also be undefined."""
    return union(found, NOTHING)


def list_of(item: Type, least: int = 0) -> Type:
    """Return the type of lists of something that is there."""
    return Type((List(item.present, least),))


def of_value(value: object) -> Type:
    """Return the type that holds a JSON value and as little else as possible."""
    if isinstance(value, list):
        return list_of(union(*map(of_value, value)), len(value))
    if isinstance(value, dict):
        return Type((Object({name: of_value(each) for name, each in value.items()}),))
    kind = _scalar(value)
    return ANYTHING if kind is None else Type((kind,))


def _scalar(value: object) -> Kind | None:
    if value is None:
        return Null()
    if isinstance(value, bool):
        return Bool(frozenset({value}))
    if isinstance(value, str):
        return Text(frozenset({value}), filled=bool(value))
    if isinstance(value, int | float) and isfinite(value):
        return Number(value, value, whole=value == int(value), values=frozenset({value}))
    return None


def items(found: Type) -> Type:
    """Return what a path steps through: the items of lists, and what is no list itself."""
    parts = [kind.item if isinstance(kind, List) else Type((kind,)) for kind in found.kinds]
    return union(*parts).present


def may_be_list(found: Type) -> bool:
    """Tell whether a value may be a list."""
    return any(isinstance(each, List | Unknown) for each in found.kinds)


def sequence(item: Type, *, missing: bool = True) -> Type:
    """Return JSONata's result of a path: one thing, or a list of several, or nothing."""
    there = item.present
    if not there.kinds:
        return NOTHING
    found = union(there, list_of(there))
    return optional(found) if missing else found


def _add(kinds: list[Kind], new: Kind) -> None:
    for at, each in enumerate(kinds):
        if each == new:
            return
        merged = _merged(each, new)
        if merged is not None:
            kinds[at] = merged
            return
    kinds.append(new)


def _merged(one: Kind, other: Kind) -> Kind | None:
    """Return the one kind that holds two; None when they stay apart."""
    if isinstance(one, Bool) and isinstance(other, Bool):
        return Bool(one.values | other.values)
    if isinstance(one, Text) and isinstance(other, Text):
        rules = tuple(each for each in one.rules if each in other.rules)
        return Text(_both(one.values, other.values), rules, one.filled and other.filled)
    if isinstance(one, Number) and isinstance(other, Number):
        return _span(one, other)
    if isinstance(one, List) and isinstance(other, List):
        return List(union(one.item, other.item), min(one.least, other.least))
    return None


def _span(one: Number, other: Number) -> Number:
    low, high = min(one.low, other.low), max(one.high, other.high)
    return Number(
        low,
        high,
        above=all(each.above for each in (one, other) if each.low == low),
        below=all(each.below for each in (one, other) if each.high == high),
        whole=one.whole and other.whole,
        values=_both(one.values, other.values),
    )


def _both(one: frozenset[T] | None, other: frozenset[T] | None) -> frozenset[T] | None:
    if one is None or other is None or len(one) + len(other) > _MANY_VALUES:
        return None
    return one | other


def _any_of(objects: list[Object]) -> Object:
    names = dict.fromkeys(name for each in objects for name in each.fields)
    fields = {name: union(*(each.field(name) for each in objects)) for name in names}
    rests = [each.rest for each in objects if each.rest is not None]
    return Object(fields, optional(union(*rests)) if rests else None)
