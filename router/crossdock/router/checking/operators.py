"""What JSONata's operators give, and which operands they cannot have."""

from __future__ import annotations

import operator
from collections.abc import Callable
from difflib import get_close_matches
from itertools import product
from typing import Final

from crossdock.router.checking.comparing import describe, kind_name, listed, overlap
from crossdock.router.checking.finding import Finding
from crossdock.router.checking.making import items, of_value, optional, union
from crossdock.router.checking.types import (
    BOOLEAN,
    NUMBER,
    TEXT,
    WHOLE,
    Bool,
    Kind,
    List,
    Missing,
    Number,
    Text,
    Type,
    Unknown,
    truth,
)

Judged = tuple[Type, list[Finding]]
"""Type of a result, and what is wrong with the operands."""
_ORDERS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MANY: Final = 50
COMPARISONS: Final = frozenset({*_ORDERS, "=", "!=", "in"})


def equality(sign: str, left: Type, right: Type, at: int | None) -> Judged:
    """Judge ``=`` and ``!=``; both are false when one side is undefined."""
    one, other = left.present, right.present
    if not one.kinds or not other.kinds:
        return _booleans({False}), []
    if not overlap(one, other):
        outcome = {sign == "!="} | ({False} if left.may_miss or right.may_miss else set())
        return _booleans(outcome), _unlike(sign, one, other, at)
    same = _exact(one) is not None and _exact(one) == _exact(other)
    outcomes = {sign == "="} if same else {True, False}
    if left.may_miss or right.may_miss:
        outcomes |= {False}
    return _booleans(outcomes), []


def membership(left: Type, right: Type, at: int | None) -> Judged:
    """Judge ``in``; the right side is a list, or one thing that counts as a list of one."""
    one, there = left.present, items(right)
    if not one.kinds or not right.present.kinds:
        return _booleans({False}), []
    if there.kinds and not overlap(one, there):
        return _booleans({False}), _unlike("in", one, there, at)
    is_only = _exact(one) is not None and _exact(one) == _exact(there)
    known = is_only and not left.may_miss and not right.may_miss and _is_filled(right)
    return _booleans({True} if known else {True, False}), []


def order(sign: str, left: Type, right: Type, at: int | None) -> Judged:
    """Judge ``<``, ``<=``, ``>`` and ``>=``: two numbers or two texts, or undefined."""
    one, other = left.present, right.present
    missing = left.may_miss or right.may_miss
    if not one.kinds or not other.kinds:
        return optional(Type(())), []
    pairs = [pair for pair in product(one.kinds, other.kinds) if _have_order(*pair)]
    if not pairs:
        return BOOLEAN, [] if at is None else [_without_order(sign, one, other, at)]
    outcomes = {each for pair in pairs for each in _outcomes(sign, *pair)}
    result = _booleans(outcomes)
    return (optional(result) if missing else result), []


def arithmetic(sign: str, left: Type, right: Type, at: int | None) -> Judged:
    """Judge ``+ - * / %``: numbers, or undefined."""
    findings = []
    for side in (left, right):
        wrong = not_a_number(sign, side, at)
        findings += [wrong] if wrong else []
    sides = [_numbers(each) for each in (left, right)]
    whole = sign in ("+", "-", "*") and all(each.whole for side in sides for each in side)
    result = WHOLE if whole and all(sides) else NUMBER
    return (optional(result) if left.may_miss or right.may_miss else result), findings


def not_a_number(sign: str, side: Type, at: int | None) -> Finding | None:
    """Return what is wrong with an operand that has to be a number."""
    there = side.present
    is_fine = not there.kinds or any(isinstance(each, Number | Unknown) for each in there.kinds)
    if is_fine or at is None:
        return None
    more = ": use & to put texts together" if kind_name(there) == "a text" and sign == "+" else ""
    message = f"`{sign}` needs numbers, and this is {kind_name(there)}{more}"
    return Finding(code="unlike-operands", message=message, at=at)


def joined(left: Type, right: Type) -> Type:
    """Return what ``&`` gives: a text, always."""
    one, other = _texts(left), _texts(right)
    if one is None or other is None or len(one) * len(other) > _MANY:
        return TEXT
    return union(*(of_value(a + b) for a in one for b in other))


def both(left: Type, right: Type) -> Type:
    """Return what ``and`` gives."""
    one, other = truth(left), truth(right)
    return _booleans({a and b for a in one for b in other})


def either(left: Type, right: Type) -> Type:
    """Return what ``or`` gives."""
    one, other = truth(left), truth(right)
    return _booleans({a or b for a in one for b in other})


def _without_order(sign: str, one: Type, other: Type, at: int) -> Finding:
    message = (
        f"`{sign}` cannot compare {kind_name(one)} with {kind_name(other)}: every such message "
        "would be a dead letter"
    )
    return Finding(code="unlike-comparison", message=message, at=at)


def _booleans(values: set[bool]) -> Type:
    return Type((Bool(frozenset(values)),))


def _exact(found: Type) -> Kind | None:
    """Return the one value that a type holds; None when it may hold several."""
    if len(found.kinds) != 1:
        return None
    kind = found.kinds[0]
    if isinstance(kind, Text):
        only = kind.values is not None and len(kind.values) == 1
        return Text(kind.values) if only else None
    if isinstance(kind, Number):
        only = kind.values is not None and len(kind.values) == 1
        return Number(values=kind.values) if only else None
    return kind if isinstance(kind, Bool) and len(kind.values) == 1 else None


def _is_filled(found: Type) -> bool:
    return all(each.least > 0 for each in found.kinds if isinstance(each, List))


def _unlike(sign: str, one: Type, other: Type, at: int | None) -> list[Finding]:
    if at is None:
        return []
    result = "always true" if sign == "!=" else "never true"
    missed = _missed_value(one, other) or _missed_value(other, one)
    if missed:
        message = f"`{sign}` is {result}: {missed}"
        return [Finding(code="unknown-value", message=message, at=at)]
    if {type(each) for each in one.kinds} & {type(each) for each in other.kinds}:
        both = f"{describe(one)} and {describe(other)} have no value in common"
        return [Finding(code="unknown-value", message=f"`{sign}` is {result}: {both}", at=at)]
    advice = ""
    if sign in ("=", "!=") and any(isinstance(each, List) for each in (*one.kinds, *other.kinds)):
        advice = ": to look into a list, write VALUE in LIST"
    message = f"`{sign}` compares {kind_name(one)} with {kind_name(other)}, which is {result}"
    return [Finding(code="unlike-comparison", message=message + advice, at=at)]


def _missed_value(known: Type, written: Type) -> str:
    """Say which value of an expression no message can have; nothing if that is not the trouble."""
    allowed = {x for k in known.kinds if isinstance(k, Text | Number) for x in k.values or ()}
    tried = {x for k in written.kinds if isinstance(k, Text | Number) for x in k.values or ()}
    texts = sorted(x for x in allowed if isinstance(x, str))
    if len(tried) != 1:
        return ""
    value = next(iter(tried))
    if len(allowed) > 1:
        near = get_close_matches(str(value), texts, n=1)
        there = f"there is {listed(texts or sorted(x for x in allowed if isinstance(x, float)))}"
        hint = f"did you mean {near[0]!r}?" if near else there
        return f"no message has {_quoted(value)} here; {hint}"
    spans = [k for k in known.kinds if isinstance(k, Text | Number) and k.values is None]
    if spans and isinstance(spans[0], Text) == isinstance(value, str):
        wanted = describe(Type((spans[0],)))
        return f"no message has {_quoted(value)} here: the contract wants {wanted}"
    return ""


def _quoted(value: str | float) -> str:
    return repr(value[:60]) if isinstance(value, str) else f"{value:g}"


def _have_order(one: Kind, other: Kind) -> bool:
    ordered = (Text, Number)
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return isinstance(one, (Unknown, *ordered)) and isinstance(other, (Unknown, *ordered))
    return type(one) is type(other) and isinstance(one, ordered)


def _outcomes(sign: str, one: Kind, other: Kind) -> set[bool]:
    if not isinstance(one, Number) or not isinstance(other, Number):
        return {True, False}
    test = _ORDERS[sign]
    corners = {test(a, b) for a in (one.low, one.high) for b in (other.low, other.high)}
    if len(corners) == 1:  # order is monotonous: what all corners say, all between them say
        return corners
    strict = _strictly(one, other)
    return {test(*strict)} if strict else {True, False}


def _strictly(one: Number, other: Number) -> tuple[float, float] | None:
    """Return a pair that stands for all, when the two spans only touch at an open end."""
    if one.high == other.low and (one.below or other.above):
        return (0, 1)
    if one.low == other.high and (one.above or other.below):
        return (1, 0)
    return None


def _numbers(side: Type) -> list[Number]:
    return [each for each in side.kinds if isinstance(each, Number)]


def _texts(side: Type) -> set[str] | None:
    found: set[str] = set()
    for each in side.kinds:
        if isinstance(each, Missing):
            found.add("")
        elif isinstance(each, Text) and each.values is not None:
            found |= each.values
        else:
            return None
    return found
