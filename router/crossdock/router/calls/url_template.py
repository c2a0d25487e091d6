"""A URL with ``{NAME}`` in its path or query, filled without letting a value become structure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Self
from urllib.parse import quote

import msgspec

from crossdock.contracts import Reject

_HOLE: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]{0,62})\}")
_AUTHORITY: Final = re.compile(r"[a-z]+://[^/?#{}]+(?=[/?#]|\Z)")
_MOST: Final = 2000  # characters of one value


class UrlTemplate(msgspec.Struct, frozen=True):
    """A URL to fill.

    Attributes:
        text: As written.
        names: Of its holes.
    """

    text: str
    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        rest = _HOLE.sub("", text)
        if "{" in rest or "}" in rest:
            raise ValueError("url: {NAME} stands for one value; its name has letters and digits")
        names = tuple(_HOLE.findall(text))
        if names and not _AUTHORITY.match(text):
            raise ValueError("url: write the host out; only path and query may hold {NAME}")
        return cls(text, names)

    def sample(self) -> str:
        """Return an address of this form, to check its host."""
        return _HOLE.sub("0", self.text)

    def fill(self, values: object, place: str) -> str:
        """Return the URL for these values.

        Args:
            values: An object with a text, number or truth value for each name.
            place: Name of the call, for errors.

        Raises:
            Reject: A value is missing, or cannot stand in a URL; the text does not tell it (I6).
        """
        known = values if isinstance(values, Mapping) else {}
        return _HOLE.sub(lambda found: _text(known.get(found[1]), found[1], place), self.text)


def _text(value: object, name: str, place: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise Reject(f"call {place}: {name} is no text, number or truth value")
    text = str(value)
    if text in {"", ".", ".."} or len(text) > _MOST:  # they would change the path
        raise Reject(f"call {place}: {name} cannot stand in a URL")
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise Reject(f"call {place}: {name} is not Unicode text") from None
