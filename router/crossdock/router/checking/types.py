"""Types of JSON values, as static checks know them: sets that hold at least what there can be.

A type is a union of kinds. It may hold more than really occurs (an expression is not run to find
out), never less: so whatever is told of *every* value of a type is true.
"""

from __future__ import annotations

from math import inf
from typing import Final, TypeAlias, TypeVar

import msgspec

T = TypeVar("T")


_EITHER: Final = frozenset({True, False})
_TRUE: Final = frozenset({True})
_FALSE: Final = frozenset({False})


class _Kind(msgspec.Struct, frozen=True):
    """One kind of value."""

    def truths(self) -> frozenset[bool]:
        """Return what its values may count as."""
        return _EITHER


class Unknown(_Kind, frozen=True):
    """Whatever there is: nothing can be told of it."""


class Missing(_Kind, frozen=True):
    """JSONata's undefined: a field that is not there."""

    def truths(self) -> frozenset[bool]:
        """Return that it counts as false."""
        return _FALSE


class Null(_Kind, frozen=True):
    """``null``."""

    def truths(self) -> frozenset[bool]:
        """Return that it counts as false."""
        return _FALSE


class Function(_Kind, frozen=True):
    """A function, or a regular expression."""

    def truths(self) -> frozenset[bool]:
        """Return that it counts as false."""
        return _FALSE


class Bool(_Kind, frozen=True):
    """``true`` and ``false``, or one of them."""

    values: frozenset[bool] = _EITHER

    def truths(self) -> frozenset[bool]:
        """Return its values."""
        return self.values


class Text(_Kind, frozen=True):
    """Texts.

    Attributes:
        values: The only ones there can be, if that is known.
        rules: JSON Schemas, as JSON, that each of them keeps.
        filled: None of them is empty.
    """

    values: frozenset[str] | None = None
    rules: tuple[str, ...] = ()
    filled: bool = False

    def truths(self) -> frozenset[bool]:
        """Return what they count as: an empty text counts as false."""
        if self.values is not None:
            return frozenset(bool(each) for each in self.values)
        return _TRUE if self.filled else _EITHER


class Number(_Kind, frozen=True):
    """Numbers.

    Attributes:
        low: None is less.
        high: None is greater.
        above: ``low`` itself is not one of them.
        below: ``high`` itself is not one of them.
        whole: They are integers.
        values: The only ones there can be, if that is known.
    """

    low: float = -inf
    high: float = inf
    above: bool = False
    below: bool = False
    whole: bool = False
    values: frozenset[float] | None = None

    def truths(self) -> frozenset[bool]:
        """Return what they count as: 0 counts as false."""
        if self.values is not None:
            return frozenset(bool(each) for each in self.values)
        return _EITHER if self.has(0) else _TRUE

    def has(self, value: float) -> bool:
        """Tell whether a number is one of them."""
        if self.values is not None and value not in self.values:
            return False
        if self.whole and value != int(value):
            return False
        low = value > self.low if self.above else value >= self.low
        return low and (value < self.high if self.below else value <= self.high)


class List(_Kind, frozen=True):
    """Lists.

    Attributes:
        item: Type of each item.
        least: Items that there are at least.
    """

    item: Type
    least: int = 0

    def truths(self) -> frozenset[bool]:
        """Return what they count as: a list is true when one of its items is."""
        return _TRUE if self.least and truth(self.item) == _TRUE else _EITHER


class Object(_Kind, frozen=True):
    """Objects.

    Attributes:
        fields: Type of each known field; one that may be left out has the kind Missing in it.
        rest: Type of any other field; None when there is no other.
    """

    fields: dict[str, Type] = {}
    rest: Type | None = None

    def truths(self) -> frozenset[bool]:
        """Return what they count as: an empty object counts as false."""
        return _TRUE if any(not each.may_miss for each in self.fields.values()) else _EITHER

    def field(self, name: str) -> Type:
        """Return the type of a field."""
        found = self.fields.get(name)
        return found if found is not None else self.rest or NOTHING


Kind: TypeAlias = Unknown | Missing | Null | Function | Bool | Text | Number | List | Object


class Type(msgspec.Struct, frozen=True):
    """A union of kinds; made by :func:`union` only."""

    kinds: tuple[Kind, ...]

    @property
    def is_unknown(self) -> bool:
        """Nothing can be told of it."""
        return any(isinstance(each, Unknown) for each in self.kinds)

    @property
    def may_miss(self) -> bool:
        """It may be undefined."""
        return any(isinstance(each, Unknown | Missing) for each in self.kinds)

    @property
    def present(self) -> Type:
        """The same without undefined."""
        return Type(tuple(each for each in self.kinds if not isinstance(each, Missing)))


ANYTHING: Final = Type((Unknown(),))
NOTHING: Final = Type((Missing(),))
FUNCTION: Final = Type((Function(),))
BOOLEAN: Final = Type((Bool(),))
TEXT: Final = Type((Text(),))
NUMBER: Final = Type((Number(),))
WHOLE: Final = Type((Number(whole=True),))
OBJECT: Final = Type((Object(rest=ANYTHING),))


def truth(found: Type) -> frozenset[bool]:
    """Return what values of a type may count as: true, false, or both (``$boolean``)."""
    return frozenset(each for kind in found.kinds for each in kind.truths())
