"""What an expression must not hold, because the engine could not bound it at run time (I8).

All of it is found in the text, before anything runs: text that would exhaust the engine's stack,
code that comes from data (``$eval``), results whose size a number in the data decides (``..`` and
``$pad``), and results as large as the product of two texts of the data (``$join``, ``$replace``).
"""

from __future__ import annotations

import re
from typing import Final

MAX_TEXT: Final = 64 * 1024
MAX_OPERATORS: Final = 4000
MAX_LENGTH: Final = 100_000

# A regular expression begins where a value may begin: after an opening bracket or an operator.
_OPAQUE: Final = re.compile(
    r'"(?:\\.|[^"\\])*"|'
    r"'(?:\\.|[^'\\])*'|"
    r"`[^`]*`|"
    r"/\*.*?\*/|"
    r"(?:\A|(?<=[(\[{,;:=>?&|]))\s*/(?![*])(?:\\.|[^/\\\n])+/",
    re.DOTALL,
)
_OPERATOR: Final = re.compile(r"[-.+*/%&=<>~^|?@#\[(]|\b(?:and|or|in)\b")
_EVAL: Final = re.compile(r"\$eval\b")
_RANGE: Final = re.compile(r"\.\.")
_FROM: Final = re.compile(r"[\[,]\s*-?\d{1,5}\s*\Z")
_NUMBER: Final = re.compile(r"-?\d+\Z")
_GROWING: Final = re.compile(r"(~>\s*)?\$(pad|join|replace)\b\s*(\()?")
_HEAVY: Final = re.compile(r"\$(?:distinct|keys|match|spread)\b")
_COUNTED: Final = re.compile(r"\$(?:count|length|min)\s*(?=\()")
_OFFSET: Final = re.compile(r"(?:\s*[-+]\s*\d{1,6})?\s*\Z")
_GROWTH: Final = {
    "pad": "a message could make $pad fill the memory; write its width as a number up to "
    f"{MAX_LENGTH}",
    "join": "a message could make $join fill the memory; write its separator out as a text",
    "replace": "a message could make $replace fill the memory; write out as a text what it puts "
    "in, or what it works on",
}
_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}


def refusals(text: str) -> list[str]:
    """Return why this expression is refused: one line each for the person who wrote it."""
    if len(text) > MAX_TEXT:
        return [f"the expression is longer than {MAX_TEXT} characters: split the mapping"]
    code = _OPAQUE.sub(_blank, text)
    if sum(1 for _ in _OPERATOR.finditer(code)) > MAX_OPERATORS:
        return [f"the expression has more than {MAX_OPERATORS} operators: split the mapping"]
    found = [
        f"{_at(text, each.start())}: $eval would run text from a message as code; write it out"
        for each in _EVAL.finditer(code)
    ]
    found += [
        f"{_at(text, each.start())}: a message could make this range as long as it likes; begin it "
        f"with a number and end it with a number up to {MAX_LENGTH}, $count(…), or "
        "$min([…, 1000])"
        for each in _RANGE.finditer(code)
        if not _range_is_bounded(code, each)
    ]
    found += [
        f"{_at(text, each.start(2) - 1)}: {_GROWTH[each[2]]}"
        for each in _GROWING.finditer(code)
        if not _growth_is_bounded(code, each)
    ]
    return found


def is_heavy(text: str) -> bool:
    """Tell whether it calls what takes the square of its input's size in one step.

    Such a step cannot be interrupted, so its input has to be small (I8).
    """
    return _HEAVY.search(text) is not None


def line_and_column(text: str, position: int) -> tuple[int, int]:
    """Return line and column, from 1, of a character offset; the beginning when it is unknown."""
    before = text[: max(position, 0)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _blank(found: re.Match[str]) -> str:
    """Hide what a person wrote, but keep its length, and that it was a text or a name."""
    written = found[0]
    if written.startswith("/*"):
        return " " * len(written)
    if written.startswith("`"):
        return "_" * len(written)
    return '"' + "_" * (len(written) - 2) + '"'


def _at(text: str, position: int) -> str:
    return "line {}, column {}".format(*line_and_column(text, position))


def _range_is_bounded(code: str, dots: re.Match[str]) -> bool:
    if not _FROM.search(code[: dots.start()]):
        return False
    end = _arguments(code, dots.end())[0].strip()
    if _NUMBER.match(end):
        return int(end) <= MAX_LENGTH
    counted = _COUNTED.match(end)
    if counted is None:
        return False
    arguments, rest = _call(end, counted.end())
    if not _OFFSET.match(rest):
        return False
    return not counted[0].startswith("$min") or _min_is_bounded(arguments)


def _min_is_bounded(arguments: list[str]) -> bool:
    items = arguments[0].strip() if len(arguments) == 1 else ""
    if not (items.startswith("[") and items.endswith("]")):
        return False
    return any(_is_small(each) for each in _arguments(items, 1))


def _growth_is_bounded(code: str, found: re.Match[str]) -> bool:
    piped, name, call = bool(found[1]), found[2], bool(found[3])
    if not call:
        return name == "join" and piped
    arguments, _ = _call(code, found.end() - 1)
    if piped:
        arguments.insert(0, "")
    if name == "pad":
        return len(arguments) > 1 and _is_small(arguments[1])
    if name == "join":
        return len(arguments) == 1 or _is_written_out(arguments[1])
    replacement = arguments[2] if len(arguments) > 2 else ""  # noqa: PLR2004 - its place
    return any(map(_is_written_out, (arguments[0], replacement)))


def _is_written_out(text: str) -> bool:
    return text.strip().startswith('"') and text.strip().endswith('"')


def _is_small(text: str) -> bool:
    return _NUMBER.match(text.strip()) is not None and abs(int(text)) <= MAX_LENGTH


def _call(code: str, opening: int) -> tuple[list[str], str]:
    """Return the arguments of a call whose bracket opens here, and the code behind it."""
    arguments = _arguments(code, opening + 1)
    length = sum(len(each) + 1 for each in arguments)
    return arguments, code[opening + 1 + length :]


def _arguments(code: str, start: int) -> list[str]:
    """Return the texts between commas from here to the bracket that closes around them."""
    found: list[str] = []
    begin, open_brackets = start, 0
    for at in range(start, len(code)):
        char = code[at]
        if char in _CLOSING:
            open_brackets += 1
        elif char in ")]}":
            open_brackets -= 1
            if open_brackets < 0:
                return [*found, code[begin:at]]
        elif char == "," and open_brackets == 0:
            found.append(code[begin:at])
            begin = at + 1
    return [*found, code[begin:]]
