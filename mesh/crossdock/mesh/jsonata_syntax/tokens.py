"""The words of a JSONata expression."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

Kind = Literal["text", "number", "word", "name", "variable", "regex", "sign", "end"]

_SPACE: Final = re.compile(r"(?:[ \t\n\r\v]|/\*.*?\*/)*", re.DOTALL)
_NUMBER: Final = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_TEXT: Final = re.compile(r'"((?:\\.|[^"\\])*)"|' r"'((?:\\.|[^'\\])*)'", re.DOTALL)
_QUOTED: Final = re.compile(r"`([^`]*)`")
_SIGN: Final = re.compile(r"\.\.|:=|!=|>=|<=|\*\*|~>|\?:|\?\?|[.\[\]{}(),@#;:?+\-*/%|=<>^&]")
_WORD: Final = re.compile(r"[^ \t\n\r\v.\[\]{}(),@#;:?+\-*/%|=<>^&!~]+")
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_REGEX: Final = re.compile(r"/((?:\\.|[^/\\])+)/([im]*)", re.DOTALL)


class NotUnderstoodError(ValueError):
    """This is no JSONata, or a form of it that static checks do not know."""


class Token(msgspec.Struct, frozen=True):
    """One word.

    Attributes:
        kind: ``word`` is a bare word, ``name`` one in backticks, ``sign`` an operator or bracket.
        text: What it says: without quotes, ``$`` or slashes, escapes resolved.
        at: Where it begins, a character offset.
    """

    kind: Kind
    text: str
    at: int


def tokens(text: str) -> Iterator[Token]:
    """Return the words of an expression, the last of kind ``end``.

    Raises:
        NotUnderstoodError: At what no word begins with.
    """
    at = 0
    value_before = False  # a slash behind a value divides, elsewhere it begins a regular expression
    while True:
        found = _SPACE.match(text, at)
        at = found.end() if found else at
        if at >= len(text):
            yield Token("end", "", at)
            return
        token, end = _regex(text, at) if text[at] == "/" and not value_before else _token(text, at)
        value_before = token.kind != "sign" or token.text in ")]}"
        yield token
        at = end


def _token(text: str, at: int) -> tuple[Token, int]:
    if found := _TEXT.match(text, at):
        raw = found[1] if found[1] is not None else found[2]
        return Token("text", _read(raw), at), found.end()
    if found := _NUMBER.match(text, at):
        return Token("number", found[0], at), found.end()
    if found := _QUOTED.match(text, at):
        return Token("name", found[1], at), found.end()
    if found := _SIGN.match(text, at):
        return Token("sign", found[0], at), found.end()
    if found := _WORD.match(text, at):
        word = found[0]
        if word.startswith("$"):
            return Token("variable", word[1:], at), found.end()
        return Token("word", word, at), found.end()
    raise NotUnderstoodError(f"unknown sign at {at}")


def _read(raw: str) -> str:
    if "\\" not in raw:
        return raw
    pairs = _ESCAPE.sub(_unescaped, raw).encode("utf-16", "surrogatepass")
    return pairs.decode("utf-16", "replace")  # two escapes may be one character


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPES.get(code, code)


def _regex(text: str, at: int) -> tuple[Token, int]:
    found = _REGEX.match(text, at)
    if found is None:
        raise NotUnderstoodError(f"a regular expression has no end at {at}")
    return Token("regex", found[1], at), found.end()
