"""Makes a text that matches a regular expression, for the expressions that schemas use."""

from __future__ import annotations

import re
from random import Random

# The parser of patterns has no public name; our tests tell when another Python has another one.
from re import _constants as _ops  # type: ignore[attr-defined] # as above
from re import _parser as _parsing  # type: ignore[attr-defined] # as above
from string import ascii_lowercase, digits, printable
from typing import Any, Final

_PLAIN: Final = ascii_lowercase + digits
_SHOWN: Final = printable[:95]  # without line breaks and tabs
_MORE: Final = 3
_MOST: Final = 2000
_CATEGORIES: Final = {
    _ops.CATEGORY_DIGIT: digits,
    _ops.CATEGORY_WORD: _PLAIN + "_",
    _ops.CATEGORY_SPACE: " ",
    _ops.CATEGORY_NOT_DIGIT: ascii_lowercase,
    _ops.CATEGORY_NOT_WORD: "-.,",
    _ops.CATEGORY_NOT_SPACE: _PLAIN,
}
# Classes of ECMA-262 that Python writes otherwise.
_ECMA: Final = ((r"\\p\{L[^}]*\}", "[a-z]"), (r"\\p\{N[^}]*\}", "[0-9]"))


def matching(pattern: str, random: Random, least: int = 0) -> str:
    """Return a text that is made after a pattern; looking around is not understood, so check it.

    Args:
        pattern: As a schema has it.
        random: Where chance comes from.
        least: Length to aim at.

    Raises:
        ValueError: The pattern cannot be read, or asks for more than 2,000 characters.
    """
    for ecma, ours in _ECMA:
        pattern = re.sub(ecma, ours, pattern)
    try:
        parsed = _parsing.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"no text can be made for the pattern {pattern[:80]!r}") from error
    made = _Maker(random, least).text(parsed)
    # Anything may follow a pattern without an end: as names of members they must differ.
    return made if pattern.endswith("$") else made + "".join(random.choices(_PLAIN, k=_MORE))


class _Maker:
    """Makes one text."""

    def __init__(self, random: Random, least: int) -> None:
        self._random = random
        self._least = least
        self._groups: dict[int, str] = {}
        self._length = 0

    def text(self, parsed: Any) -> str:  # noqa: ANN401 - the parser has no types
        """Return a text for a sequence of the parser's steps."""
        return "".join(self._step(operation, argument) for operation, argument in parsed)

    def _step(self, operation: object, argument: Any) -> str:  # noqa: ANN401 - as above
        if operation is _ops.BRANCH:
            return self.text(self._random.choice(argument[1]))
        if operation is _ops.SUBPATTERN:
            return self._group(argument[0], self.text(argument[-1]))
        if operation in (_ops.MAX_REPEAT, _ops.MIN_REPEAT, _ops.POSSESSIVE_REPEAT):
            return self._repeat(*argument)
        if operation is _ops.GROUPREF:
            return self._groups.get(argument, "")
        return self._one_of(self._characters(operation, argument))

    def _one_of(self, characters: str) -> str:
        if not characters:  # anchors, looking around
            return ""
        self._length += 1
        if self._length > _MOST:
            raise ValueError(f"a pattern asks for more than {_MOST} characters")
        return self._random.choice(characters)

    def _group(self, number: int | None, made: str) -> str:
        if number is not None:
            self._groups[number] = made
        return made

    def _repeat(self, least: int, most: int, what: Any) -> str:  # noqa: ANN401 - as above
        wanted = max(least + self._random.randint(0, _MORE), min(most, self._least - self._length))
        return "".join(self.text(what) for _ in range(min(int(most), wanted)))

    def _characters(self, operation: object, argument: Any) -> str:  # noqa: ANN401 - as above
        if operation is _ops.LITERAL:
            return chr(argument)
        if operation is _ops.ANY:
            return _PLAIN
        if operation is _ops.NOT_LITERAL:
            return _without(chr(argument))
        if operation is _ops.IN:
            negated = argument[0][0] is _ops.NEGATE
            inside = "".join(map(_class, argument[1:] if negated else argument))
            return _without(inside) if negated else inside
        return ""


def _class(member: tuple[object, Any]) -> str:
    operation, argument = member
    if operation is _ops.RANGE:
        first, last = argument
        return "".join(map(chr, range(first, min(last, first + 200) + 1)))
    if operation is _ops.CATEGORY:
        return _CATEGORIES.get(argument, _PLAIN)
    return chr(argument)


def _without(characters: str) -> str:
    plain = "".join(each for each in _PLAIN if each not in characters)
    return plain or "".join(each for each in _SHOWN if each not in characters)
