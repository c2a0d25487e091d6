"""Texts that fit a regular expression or a format, for examples.

A text is made by reading the expression from left to right and taking the shortest way through
it; there is no library for it that is kept up and is no random generator. What is not understood
gives no text: whoever asks tries each one with the validator anyway.
"""

from __future__ import annotations

from typing import Final

_ESCAPES: Final = {"d": "0", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a"} | {
    "n": "\n",
    "t": "\t",
    "r": "\r",
}
_ANCHORS: Final = "^$"
_MANY: Final = 64
_FORMATS: Final = {
    "date": ("2026-01-31",),
    "date-time": ("2026-01-31T12:00:00Z",),
    "time": ("12:00:00Z",),
    "duration": ("P1D",),
    "email": ("ann@example.com",),
    "idn-email": ("ann@example.com", "ann@exämple.com"),
    "hostname": ("example.com",),
    "idn-hostname": ("example.com", "exämple.com"),
    "ipv4": ("192.0.2.1",),
    "ipv6": ("2001:db8::1",),
    "uri": ("https://example.com/a",),
    "uri-reference": ("https://example.com/a", "a/b"),
    "iri": ("https://example.com/a", "https://example.com/ä"),
    "iri-reference": ("a/b", "ä"),
    "uuid": ("0194a1f0-0000-7000-8000-000000000000",),
    "uri-template": ("/a/{b}", "/a"),
    "json-pointer": ("/a", ""),
    "relative-json-pointer": ("0", "1/a"),
    "regex": ("a*",),
}


def of_format(name: str) -> tuple[str, ...]:
    """Return texts that fit a format; none when it is not known."""
    return _FORMATS.get(name, ())


def of_pattern(pattern: str) -> list[str]:
    """Return a few texts in which a regular expression is found; none when it is too hard."""
    found = []
    for more in (0, 1, 2, 5, 40):
        try:
            found.append(_Reader(pattern, more).text())
        except (IndexError, ValueError):
            return found
    return list(dict.fromkeys(found))


class _Reader:
    """Reads one expression, once."""

    def __init__(self, pattern: str, more: int) -> None:
        """Begin.

        Args:
            pattern: The expression.
            more: How often to repeat beyond what is needed; it also says which branch is taken.
        """
        self._pattern = pattern
        self._at = 0
        self._more = more

    def text(self) -> str:
        """Return a text.

        Raises:
            ValueError: The expression holds what is not understood.
        """
        text = self._branches()
        if self._at < len(self._pattern):
            raise ValueError("a bracket too many")
        return text

    def _branches(self) -> str:
        found = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            found.append(self._sequence())
        return found[self._more % len(found)]

    def _sequence(self) -> str:
        parts = []
        while self._peek() not in ("", "|", ")"):
            start = self._piece()
            parts.append(start * self._times())
        return "".join(parts)

    def _piece(self) -> str:
        char = self._next()
        if char in _ANCHORS:
            return ""
        if char == "(":
            return self._group()
        if char == "[":
            return self._class()
        if char == "\\":
            return self._escape()
        return "a" if char == "." else char

    def _group(self) -> str:
        if self._peek() == "?":
            if self._pattern[self._at : self._at + 2] != "?:":
                raise ValueError("looks around")
            self._at += 2
        text = self._branches()
        if self._next() != ")":
            raise ValueError("a bracket is missing")
        return text

    def _class(self) -> str:
        inside = self._pattern[self._at : self._pattern.index("]", self._at + 1)]
        self._at += len(inside) + 1
        if inside.startswith("^"):
            return next(each for each in "a0A -_.~" if each not in inside)
        if inside.startswith("\\"):
            return _ESCAPES.get(inside[1], inside[1])
        return inside[-1] if self._more and len(inside) > 1 and inside[-1] != "-" else inside[0]

    def _escape(self) -> str:
        char = self._next()
        if char in "bB":
            return ""
        if char.isdigit() or char in "puxkcAzZ":
            raise ValueError("an escape that is not understood")
        return _ESCAPES.get(char, char)

    def _times(self) -> int:
        char = self._peek()
        if char not in ("*", "+", "?", "{") or not char:
            return 1
        least, most = {"*": (0, _MANY), "+": (1, _MANY), "?": (0, 1)}.get(char, (0, 0))
        if char == "{":
            end = self._pattern.index("}", self._at)
            low, comma, high = self._pattern[self._at + 1 : end].partition(",")
            least = int(low)
            most = int(high) if high else _MANY if comma else least
            self._at = end
        self._at += 1
        if self._peek() in ("?", "+"):
            self._at += 1
        return min(least + self._more, max(most, least))

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._pattern[self._at]
        self._at += 1
        return char
