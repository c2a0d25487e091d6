"""Scalars of project files that YAML has no type for: durations, sizes, secrets."""

from __future__ import annotations

import re
from typing import ClassVar, Final

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)\Z")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(\d+)(B|KiB|MiB|GiB)\Z")
_BYTES: Final = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}

_REFERENCE = re.compile(r"\$\{(env:[A-Za-z_][A-Za-z0-9_]*|file:[^${}]+)\}\Z")


class Duration(float):
    """A time span in seconds; written ``500ms``, ``30s``, ``2m``, ``1h`` or ``7d``."""

    PATTERN: Final = r"^\d+(\.\d+)?(ms|s|m|h|d)$"
    HINT: Final = "not a duration: write for example 500ms, 30s, 2m, 1h or 7d"

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read a duration.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        found = _DURATION.match(text)
        if found is None:
            raise ValueError(cls.HINT)
        return cls(float(found[1]) * _SECONDS[found[2]])


class Size(int):
    """A number of bytes; written ``512B``, ``64KiB``, ``1MiB`` or ``10GiB``."""

    PATTERN: Final = r"^\d+(B|KiB|MiB|GiB)$"
    HINT: Final = "not a size: write for example 512B, 64KiB, 1MiB or 10GiB"

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read a size.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        found = _SIZE.match(text)
        if found is None:
            raise ValueError(cls.HINT)
        return cls(int(found[1]) * _BYTES[found[2]])


class Secret:
    """A value that must never be shown; written ``${env:NAME}`` or ``${file:PATH}``."""

    __slots__ = ("_value",)

    PATTERN: ClassVar = r"^\$\{(env:[A-Za-z_][A-Za-z0-9_]*|file:[^${}]+)\}$"
    HINT: ClassVar = "a secret is never written into a file: write ${env:NAME} or ${file:PATH}"

    @classmethod
    def parse(cls, text: str) -> Secret:
        """Take a reference; it is resolved at run time only.

        Raises:
            ValueError: When it is not a reference; the text does not hold it.
        """
        if not _REFERENCE.match(text):
            raise ValueError(cls.HINT)
        return cls(text)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself, for the one call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)
