"""Compares the versions of a contract with those before them, as its mode asks.

A mode is enforced where a route that asks for ``^OLD`` would be given the new version: within one
major version, and for ``0.x`` within one minor version. Beyond that, semantic versioning says that
a version may break; it is told, and not refused. Pre-releases are compared, never enforced, and
nothing has to keep what they said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from semantic_version import Version

from crossdock.contracts.compatibility.comparing import accepts_all_of, compare
from crossdock.contracts.compatibility.difference import Difference
from crossdock.contracts.compatibility.modes import Mode
from crossdock.contracts.contract import Contract
from crossdock.contracts.reference import ContractRef


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a contract, compared with one before it.

    Attributes:
        old: The version before.
        new: The version.
        mode: What it has to keep.
        enforced: Whether it has to.
        differences: Every difference.
    """

    old: Contract
    new: Contract
    mode: Mode
    enforced: bool
    differences: tuple[Difference, ...]

    @property
    def breaking(self) -> tuple[Difference, ...]:
        """The differences that break the mode."""
        return tuple(each for each in self.differences if self.mode.breaks(each))

    @property
    def refused(self) -> bool:
        """Whether the version must not be published."""
        return self.enforced and bool(self.breaking)


def compare_versions(old: Contract, new: Contract, mode: Mode) -> Step:
    """Compare a version of a contract with one before it."""
    return Step(
        old=old,
        new=new,
        mode=mode,
        enforced=_is_enforced(old, new),
        differences=tuple(compare(old.schema, new.schema)),
    )


def steps(versions: Iterable[Contract], mode: Mode) -> list[Step]:
    """Compare each version of a contract with the one before it, or with all (transitive).

    Args:
        versions: The versions of one contract, in any order; each compiles.
        mode: What they have to keep.
    """
    return [compare_versions(old, new, mode) for old, new in _pairs(versions, mode)]


def refused_steps(versions: Iterable[Contract], mode: Mode) -> list[Step]:
    """Return only those steps that must not be published; quick where there is none.

    Args:
        versions: The versions of one contract, in any order; each compiles.
        mode: What they have to keep.
    """
    found = [
        compare_versions(old, new, mode)
        for old, new in _pairs(versions, mode)
        if _is_enforced(old, new) and not _is_kept(old, new, mode)
    ]
    return [each for each in found if each.refused]


def _is_enforced(old: Contract, new: Contract) -> bool:
    return ContractRef(new.name, f"^{old.version}").accepts(new.version)


def _is_kept(old: Contract, new: Contract, mode: Mode) -> bool:
    backward = not mode.backward or accepts_all_of(old.schema, new.schema)
    return backward and (not mode.forward or accepts_all_of(new.schema, old.schema))


def _pairs(versions: Iterable[Contract], mode: Mode) -> Iterator[tuple[Contract, Contract]]:
    ordered = sorted(versions, key=lambda each: Version(each.version))
    for at, new in enumerate(ordered):
        for old in _before(ordered[:at], mode):
            yield old, new


def _before(lower: list[Contract], mode: Mode) -> list[Contract]:
    released = [each for each in lower if not Version(each.version).prerelease]
    return released if mode.transitive else released[-1:]
