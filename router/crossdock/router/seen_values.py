"""Which fields a condition looks at, and the values that they have in a message.

The paths are found in the text of the expression, their values by the engine itself. What cannot be
told from the text is left out: a field of a variable, for example. So a value that is shown is
right, but there may be more that had a say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from crossdock.contracts import Reject, Retry
from crossdock.mesh.expression import UNDEFINED, Expression, Json

_MOST: Final = 20
_MOST_CHARACTERS: Final = 80
_WORDS: Final = frozenset({"and", "or", "in", "true", "false", "null", "function"})
_TOKEN: Final = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|/\*.*?\*/)"""
    r"|(?P<regex>(?:\A|(?<=[(\[{,;:=>?&|]))\s*/(?![*])(?:\\.|[^/\\\n])+/\w*)"
    r"|(?P<variable>\$[\w$]*)"
    r"|(?P<name>[A-Za-z_]\w*|`[^`]*`)"
    r"|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<dot>\.(?!\.))"
    r"|(?P<open>[\[({])|(?P<close>[\])}])|(?P<other>\S)",
    re.DOTALL,
)

Path_ = tuple[str, ...]
_UNKNOWN: Final = ("",)  # what a variable, a function or a block gives


class Seen(msgspec.Struct, frozen=True):
    """A field that a condition looked at.

    Attributes:
        path: The field, as an expression writes it.
        value: Its value as JSON, shortened for a person; None when the message has no such field.
    """

    path: str
    value: str | None


def seen_values(text: str, document: Json) -> tuple[Seen, ...]:
    """Return the fields that an expression looks at and their values in a document.

    Args:
        text: The expression.
        document: The data, with what is personal already hidden.
    """
    found = []
    for path in list(dict.fromkeys(_paths(text)))[:_MOST]:
        written = ".".join(each if each.isidentifier() else f"`{each}`" for each in path)
        try:
            value = Expression(".".join(f"`{each}`" for each in path)).evaluate(document)
        except (ValueError, Reject, Retry):
            continue
        found.append(Seen(written, None if value is UNDEFINED else shown(value)))
    return tuple(found)


def shown(value: Json) -> str:
    """Return a value as JSON that fits into a line."""
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"


def _paths(text: str) -> Iterator[Path_]:
    """Walk over the tokens; what a name is relative to is kept for each open bracket."""
    base: Path_ = ()
    open_brackets: list[tuple[Path_, Path_ | None]] = []  # base before, path after
    path: Path_ | None = None  # the one that is being read
    joined = False  # whether the next token goes on with it
    for token in _TOKEN.finditer(text):
        kind, word = token.lastgroup, token[0]
        if kind == "name" and word not in _WORDS:
            path = (*(path or ()), word.strip("`")) if joined else (*base, word.strip("`"))
            if path[0] != _UNKNOWN[0] and not text[token.end() :].lstrip().startswith((".", "(")):
                yield path
        elif kind == "variable":
            path = {"$": base, "$$": ()}.get(word, _UNKNOWN)
        elif kind == "open":
            stays = word == "[" or text[: token.start()].endswith("^")  # a predicate, a sort
            open_brackets.append((base, path if stays else _UNKNOWN))
            if path is not None and (joined or word != "("):
                base = path
            path = None
        elif kind == "close":
            base, path = open_brackets.pop() if open_brackets else ((), None)
        elif kind != "dot" and word != "^":
            path = None
        joined = kind == "dot" or word == "^"
