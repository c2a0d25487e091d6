"""JSONata's built-in functions: what each takes and gives, in JSONata's own notation.

``<s-nn?:s>`` is a text (the context if left out), a number, perhaps another number; it gives a
text. ``a<n>`` is a list of numbers, ``x`` anything, ``f`` a function, ``j`` any JSON value. What is
given is told more exactly than there: ``i`` is an integer, ``c`` one that is never below zero.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import msgspec

from crossdock.router.checking.making import items, list_of, of_value, optional, sequence, union
from crossdock.router.checking.types import (
    ANYTHING,
    BOOLEAN,
    FUNCTION,
    NOTHING,
    NUMBER,
    OBJECT,
    TEXT,
    WHOLE,
    Bool,
    Function,
    List,
    Missing,
    Null,
    Number,
    Object,
    Text,
    Type,
    Unknown,
)

SIGNATURES: Final = {
    "sum": "<a<n>:n>",
    "count": "<a:c>",
    "max": "<a<n>:n>",
    "min": "<a<n>:n>",
    "average": "<a<n>:n>",
    "string": "<x-b?:s>",
    "substring": "<s-nn?:s>",
    "substringBefore": "<s-s:s>",
    "substringAfter": "<s-s:s>",
    "lowercase": "<s-:s>",
    "uppercase": "<s-:s>",
    "length": "<s-:c>",
    "trim": "<s-:s>",
    "pad": "<s-ns?:s>",
    "match": "<s-fn?:x>",
    "contains": "<s-(sf):b>",
    "replace": "<s-(sf)(sf)n?:s>",
    "split": "<s-(sf)n?:a<s>>",
    "join": "<a<s>s?:s>",
    "formatNumber": "<n-so?:s>",
    "formatBase": "<n-n?:s>",
    "formatInteger": "<n-s:s>",
    "parseInteger": "<s-s:n>",
    "number": "<(nsb)-:n>",
    "floor": "<n-:i>",
    "ceil": "<n-:i>",
    "round": "<n-n?:n>",
    "abs": "<n-:n>",
    "sqrt": "<n-:n>",
    "power": "<n-n:n>",
    "random": "<:n>",
    "boolean": "<x-:b>",
    "not": "<x-:b>",
    "map": "<af:x>",
    "zip": "<x+:x>",
    "filter": "<af:x>",
    "single": "<af?:x>",
    "reduce": "<afj?:x>",
    "sift": "<o-f?:x>",
    "keys": "<x-:x>",
    "lookup": "<x-s:x>",
    "append": "<xx:x>",
    "exists": "<x:b>",
    "spread": "<x-:x>",
    "merge": "<a<o>:o>",
    "reverse": "<a:x>",
    "each": "<o-f:x>",
    "error": "<s?:x>",
    "assert": "<bs?:x>",
    "type": "<x:s>",
    "sort": "<af?:x>",
    "shuffle": "<a:x>",
    "distinct": "<x:x>",
    "base64encode": "<s-:s>",
    "base64decode": "<s-:s>",
    "encodeUrlComponent": "<s-:s>",
    "encodeUrl": "<s-:s>",
    "decodeUrlComponent": "<s-:s>",
    "decodeUrl": "<s-:s>",
    "toMillis": "<s-s?:n>",
    "fromMillis": "<n-s?s?:s>",
    "clone": "<(oa)-:x>",
    "eval": "<sx?:x>",
    "now": "<s?s?:s>",
    "millis": "<:n>",
}
ALWAYS_THERE: Final = frozenset({"count", "exists", "now", "millis", "random"})
"""Functions that give something also for nothing."""
MAY_GIVE_NOTHING: Final = frozenset({"max", "min", "average", "parseInteger", "toMillis"})
"""Functions that may give nothing also for something."""

_RESULTS: Final = {
    "n": NUMBER,
    "i": WHOLE,
    "c": Type((Number(0.0, whole=True),)),
    "s": TEXT,
    "b": BOOLEAN,
    "o": OBJECT,
    "f": FUNCTION,
    "a<s>": sequence(TEXT, missing=False),
}
_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "n": (Number,),
    "s": (Text,),
    "o": (Object,),
    "f": (Function,),
}
_WANTED: Final = {"n": "a number", "s": "a text", "o": "an object", "f": "a function"}
_TYPE_NAMES: Final[dict[type, str]] = {
    Missing: "",
    Null: "null",
    Bool: "boolean",
    Text: "string",
    Number: "number",
    List: "array",
    Object: "object",
    Function: "function",
}
_PARAMETER: Final = re.compile(r"(\(\w+\)|\w)(?:<(\w)(?:<?:?\w?>?)*>)?([-?+]*)")


class Parameter(msgspec.Struct, frozen=True):
    """One parameter of a function.

    Attributes:
        letters: What it may be.
        item: For a list: what its items must be, ``""`` for anything.
        context: It may be left out: then it is the context.
        optional: It may be left out.
        many: There may be several.
    """

    letters: str
    item: str
    context: bool
    optional: bool
    many: bool

    def refuses(self, given: Type) -> bool:
        """Tell whether no value of a type can be given."""
        wanted = self._wanted()
        if wanted is None:
            return False
        there = items(given) if "a" in self.letters else given.present
        if not there.kinds:
            return False
        return not any(isinstance(each, (*wanted, Unknown)) for each in there.kinds)

    @property
    def what(self) -> str:
        """What it wants, for a person."""
        letters = self.item or self.letters.strip("()")
        names = " or ".join(_WANTED[each] for each in letters if each in _WANTED)
        return f"a list, each item {names}" if "a" in self.letters else names

    def _wanted(self) -> tuple[type, ...] | None:
        letters = self.item or self.letters.strip("()")
        if not set(letters) <= _KINDS.keys():
            return None
        return tuple(kind for each in letters for kind in _KINDS[each])


class Signature(msgspec.Struct, frozen=True):
    """What a function takes and gives.

    Attributes:
        parameters: In order.
        result: Type of what it gives.
    """

    parameters: tuple[Parameter, ...]
    result: Type

    @property
    def least(self) -> int:
        """How many arguments there must be, the context not counted."""
        return sum(1 for each in self.parameters if not (each.optional or each.context))

    @property
    def most(self) -> int | None:
        """How many arguments there may be; None for any number."""
        return None if any(each.many for each in self.parameters) else len(self.parameters)

    @property
    def counts(self) -> str:
        """How many arguments there may be, for a person."""
        most = self.most
        if most == self.least:
            return f"{most} argument{'s' if most != 1 else ''}"
        return f"{self.least} to {most} arguments" if most is not None else "arguments"


@lru_cache(maxsize=256)
def signature(name: str) -> Signature | None:
    """Return the signature of a built-in function, None when there is no such function."""
    written = SIGNATURES.get(name)
    if written is None:
        return None
    taken, _, given = written[1:-1].rpartition(":")
    parameters = tuple(
        Parameter(letters, item or "", "-" in marks, "?" in marks, "+" in marks)
        for letters, item, marks in _PARAMETER.findall(taken)
    )
    return Signature(parameters, _RESULTS.get(given, ANYTHING))


def same_items(given: Type) -> Type:
    """Return what a function gives that only chooses or orders items."""
    return sequence(items(given))


def as_list(given: Type) -> Type:
    """Return what a function sees that takes a list, or one thing for a list of one."""
    lists = [each for each in given.kinds if isinstance(each, List)]
    return given if lists else list_of(given)


def types_named(given: Type) -> Type:
    """Return what ``$type`` gives: the names of the types that a value may have."""
    names = [_TYPE_NAMES.get(type(each)) for each in given.kinds]
    if None in names:
        return optional(TEXT)
    return union(*(NOTHING if each == "" else of_value(each) for each in names))
