"""What two types demand at once: a schema and what it refers to, or a type and one case of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from crossdock.router.checking.comparing import keeps
from crossdock.router.checking.making import union
from crossdock.router.checking.types import Bool, Kind, List, Number, Object, Text, Type, Unknown


def intersection(one: Type, other: Type) -> Type:
    """Return what is of both types."""
    if one.is_unknown:
        return other
    if other.is_unknown:
        return one
    pairs = (_both(left, right) for left in one.kinds for right in other.kinds)
    return union(*(Type((each,)) for each in pairs if each is not None))


def _both(one: Kind, other: Kind) -> Kind | None:
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return other if isinstance(one, Unknown) else one
    if type(one) is not type(other):
        return None
    rule = _RULES.get(type(one))
    return one if rule is None else rule(one, other)


def _bools(one: Bool, other: Bool) -> Bool | None:
    shared = one.values & other.values
    return Bool(shared) if shared else None


def _lists(one: List, other: List) -> List:
    return List(intersection(one.item, other.item), max(one.least, other.least))


def _texts(one: Text, other: Text) -> Text | None:
    rules = tuple(dict.fromkeys((*one.rules, *other.rules)))
    values = _shared(one.values, other.values)
    if values is not None:
        values = frozenset(each for each in values if keeps(each, rules))
        if not values:
            return None
    filled = one.filled or other.filled or (values is not None and "" not in values)
    return Text(values, rules, filled)


def _numbers(one: Number, other: Number) -> Number | None:
    low, high = max(one.low, other.low), min(one.high, other.high)
    found = Number(
        low,
        high,
        above=any(each.above for each in (one, other) if each.low == low),
        below=any(each.below for each in (one, other) if each.high == high),
        whole=one.whole or other.whole,
    )
    values = _shared(one.values, other.values)
    if values is not None:
        values = frozenset(each for each in values if found.has(each))
        return _exactly(found, values) if values else None
    return found if low < high or (low == high and found.has(low)) else None


def _exactly(found: Number, values: frozenset[float]) -> Number:
    whole = found.whole or all(each == int(each) for each in values)
    return Number(min(values), max(values), whole=whole, values=values)


def _shared(one: frozenset[Any] | None, other: frozenset[Any] | None) -> frozenset[Any] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _objects(one: Object, other: Object) -> Object | None:
    names = dict.fromkeys((*one.fields, *other.fields))
    fields = {name: intersection(one.field(name), other.field(name)) for name in names}
    if not all(each.kinds for each in fields.values()):
        return None
    rest = None
    if one.rest is not None and other.rest is not None:
        rest = intersection(one.rest, other.rest)
    return Object(fields, rest)


_RULES: Final[dict[type, Callable[[Any, Any], Kind | None]]] = {
    Text: _texts,
    Number: _numbers,
    Bool: _bools,
    List: _lists,
    Object: _objects,
}
