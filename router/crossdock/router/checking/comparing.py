"""What two types have in common, and what a type is called."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from math import isfinite
from typing import Any, Final

import jsonschema_rs

from crossdock.router.checking.types import (
    Bool,
    Function,
    Kind,
    List,
    Missing,
    Null,
    Number,
    Object,
    Text,
    Type,
    Unknown,
)

_SHOWN: Final = 6


def overlap(one: Type, other: Type) -> bool:
    """Tell whether there may be a value of both types."""
    return any(_overlap(left, right) for left in one.kinds for right in other.kinds)


def contains(found: Type, value: object) -> bool:
    """Tell whether a type holds a JSON value."""
    return any(_contains(kind, value) for kind in found.kinds)


def describe(found: Type) -> str:
    """Return what a type is called, for a person: ``a number or null``."""
    names = dict.fromkeys(_name(kind) for kind in found.kinds)
    return " or ".join(names) or "nothing"


def kind_name(found: Type) -> str:
    """Return the same in short: without the values of an enum."""
    return " or ".join(dict.fromkeys(_NAMES[type(kind)] for kind in found.kinds)) or "nothing"


def _overlap(one: Kind, other: Kind) -> bool:
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return True
    if type(one) is not type(other):
        return False
    rule = _OVERLAPS.get(type(one))
    return rule is None or rule(one, other)


def _lists_overlap(one: List, other: List) -> bool:
    return not (one.least and other.least) or overlap(one.item, other.item)


def _objects_overlap(one: Object, other: Object) -> bool:
    return all(overlap(one.field(each), other.field(each)) for each in _names(one, other))


def _names(one: Object, other: Object) -> Iterator[str]:
    yield from one.fields
    yield from other.fields


def _texts_overlap(one: Text, other: Text) -> bool:
    if one.values is not None and other.values is not None:
        return bool(one.values & other.values)
    known, rules = (one, other) if one.values is not None else (other, one)
    if known.values is None:
        return True
    return any(keeps(each, rules.rules) for each in known.values)


def _bools_overlap(one: Bool, other: Bool) -> bool:
    return bool(one.values & other.values)


def _numbers_overlap(one: Number, other: Number) -> bool:
    for known, range_ in ((one, other), (other, one)):
        if known.values is not None:
            return any(range_.has(each) for each in known.values)
    low = max(one.low, other.low)
    high = min(one.high, other.high)
    if low != high:
        return low < high
    return one.has(low) and other.has(low)


def keeps(text: str, rules: tuple[str, ...]) -> bool:
    """Tell whether a text keeps rules, each a JSON Schema as JSON."""
    return all(_validator(each).is_valid(text) for each in rules)


@lru_cache(maxsize=1024)
def _validator(rule: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.Draft202012Validator(
        json.loads(rule),
        validate_formats=True,
        offline=True,
        pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=100_000),
    )


def _contains(kind: Kind, value: object) -> bool:
    if isinstance(kind, Unknown):
        return True
    if isinstance(kind, Null):
        return value is None
    if isinstance(kind, Object) and isinstance(value, dict):
        return _has_fields(kind, value)
    if isinstance(kind, List) and isinstance(value, list):
        return len(value) >= kind.least and all(contains(kind.item, each) for each in value)
    return _is_scalar_of(kind, value)


def _is_scalar_of(kind: Kind, value: object) -> bool:
    if isinstance(kind, Bool):
        return isinstance(value, bool) and value in kind.values
    if isinstance(kind, Text) and isinstance(value, str):
        return (kind.values is None or value in kind.values) and keeps(value, kind.rules)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(kind, Number) and kind.has(value)


def _has_fields(kind: Object, value: dict[str, object]) -> bool:
    if not all(contains(kind.field(name), each) for name, each in value.items()):
        return False
    return all(name in value or found.may_miss for name, found in kind.fields.items())


_OVERLAPS: Final[dict[type, Callable[[Any, Any], bool]]] = {
    Text: _texts_overlap,
    Number: _numbers_overlap,
    Bool: _bools_overlap,
    List: _lists_overlap,
    Object: _objects_overlap,
}
_NAMES: Final[dict[type, str]] = {
    Unknown: "anything",
    Missing: "missing",
    Null: "null",
    Function: "a function",
    Bool: "true or false",
    Text: "a text",
    Number: "a number",
    List: "a list",
    Object: "an object",
}


def _name(kind: Kind) -> str:
    if isinstance(kind, Text | Number):
        return _scalar_name(kind)
    if isinstance(kind, Bool) and len(kind.values) == 1:
        return "true" if True in kind.values else "false"
    if isinstance(kind, List) and kind.item.kinds and not kind.item.is_unknown:
        return f"a list of {kind_name(kind.item)}"
    return _NAMES[type(kind)]


def _scalar_name(kind: Text | Number) -> str:
    values: list[Any] = sorted(kind.values or ())
    if len(values) == 1:
        return json.dumps(_plain(values[0]), ensure_ascii=False)[:60]
    if values:
        return f"one of {listed(values)}"
    if isinstance(kind, Number):
        return ("an integer" if kind.whole else "a number") + _limits(kind)
    rules = [f"{name} {rule}" for each in kind.rules for name, rule in json.loads(each).items()]
    return f"a text with {' and '.join(rules)[:200]}" if rules else "a text"


def _limits(kind: Number) -> str:
    parts = []
    if isfinite(kind.low):
        parts.append(f"{'above' if kind.above else 'from'} {kind.low:g}")
    if isfinite(kind.high):
        parts.append(f"{'below' if kind.below else 'to'} {kind.high:g}")
    return f" {' '.join(parts)}" if parts else ""


def listed(values: Sequence[str | float]) -> str:
    """Return values for a person, the first few of many."""
    shown = ", ".join(str(_plain(each))[:40] for each in values[:_SHOWN])
    return f"{shown} and {len(values) - _SHOWN} more" if len(values) > _SHOWN else shown


def _plain(value: str | float) -> str | float:
    return int(value) if isinstance(value, float) and value == int(value) else value
