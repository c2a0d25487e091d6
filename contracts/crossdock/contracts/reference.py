"""How a contract is named: ``domain.entity.event`` and, after ``@``, a range of versions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Self

import msgspec
from semantic_version import NpmSpec, Version

NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}(\.[a-z][a-z0-9_-]{0,62}){2}\Z")
SCHEME = "crossdock:"


class ContractRef(msgspec.Struct, frozen=True):
    """A contract and the versions that are meant, as in ``sales.order.placed@^2``.

    Attributes:
        name: ``domain.entity.event``.
        versions: A range in npm's notation (``^2``, ``2.1``, ``>=1.2 <3``); ``*`` for any.
    """

    name: str
    versions: str = "*"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``name`` or ``name@range``.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        name, _, versions = text.partition("@")
        if not NAME.match(name):
            raise ValueError(
                f"{name[:80]!r} is not a contract name: write domain.entity.event, "
                "each of lower-case letters, digits, - or _"
            )
        versions = versions or "*"
        _spec(versions)
        return cls(name, versions)

    def best(self, versions: Iterable[str]) -> str | None:
        """Return the highest of the versions in range, or None when there is none."""
        chosen = _spec(self.versions).select(Version(each) for each in versions)
        return None if chosen is None else str(chosen)

    def accepts(self, version: str) -> bool:
        """Tell whether a version, such as ``2.1.0``, is in range."""
        return _in_range(self.versions, version)

    def __str__(self) -> str:
        return self.name if self.versions == "*" else f"{self.name}@{self.versions}"


def dataschema(name: str, version: str) -> str:
    """Return the CloudEvents ``dataschema`` of a contract's version."""
    return f"{SCHEME}{name}/{version}"


def version_of(uri: str) -> str | None:
    """Return the version in a ``dataschema`` of ours, or None when it is not one."""
    if not uri.startswith(SCHEME):
        return None
    return uri.rpartition("/")[2] or None


@lru_cache(maxsize=4096)
def _in_range(versions: str, version: str) -> bool:
    try:
        return Version(version) in _spec(versions)
    except ValueError:
        return False


@lru_cache(maxsize=1024)
def _spec(versions: str) -> NpmSpec:
    try:
        return NpmSpec(versions)
    except ValueError as error:
        raise ValueError(
            f"{versions[:80]!r} is not a range of versions: write for example 2, ^2.1 or >=1.2 <3"
        ) from error
