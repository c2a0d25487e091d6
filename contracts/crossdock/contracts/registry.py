"""All contracts of a project: which versions there are, and which one is meant."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

from semantic_version import Version

from crossdock.contracts.about import About
from crossdock.contracts.contract import Contract
from crossdock.contracts.errors import Reject
from crossdock.contracts.message import Message
from crossdock.contracts.reference import ContractRef

_RESOLVED: Final = 4096
_SHOWN: Final = 5
_NAME_CHARS: Final = 100
_NOTHING_SAID: Final = About()


class Registry:
    """An immutable set of contracts. Equal when it holds the same and says the same of it."""

    def __init__(
        self, contracts: Iterable[Contract] = (), abouts: Mapping[str, About] | None = None
    ) -> None:
        """Take the contracts.

        Args:
            contracts: In any order.
            abouts: What is said of contracts, by name.

        Raises:
            ValueError: When two have the same name and version.
        """
        self._by_name: dict[str, dict[str, Contract]] = {}
        self._by_dataschema: dict[str, Contract] = {}
        for each in contracts:
            versions = self._by_name.setdefault(each.name, {})
            if each.version in versions:
                raise ValueError(f"contract {each.name} has version {each.version} twice")
            versions[each.version] = each
            self._by_dataschema[each.dataschema] = each
        self._names = tuple(sorted(self._by_name))
        self._abouts = dict(abouts or {})
        self._resolve = lru_cache(maxsize=_RESOLVED)(self._find)

    def names(self) -> tuple[str, ...]:
        """Return the names of all contracts, sorted."""
        return self._names

    def versions(self, name: str) -> tuple[str, ...]:
        """Return the versions of a contract, lowest first; empty when there is no such name."""
        return tuple(sorted(self._by_name.get(name, ()), key=Version))

    def contracts(self, name: str) -> Iterable[Contract]:
        """Return all versions of a contract; none when there is no such name."""
        return self._by_name.get(name, {}).values()

    def about(self, name: str) -> About:
        """Return what is said of a contract; the defaults when nothing is, or it is unknown."""
        return self._abouts.get(name, _NOTHING_SAID)

    def resolve(self, ref: ContractRef) -> Contract:
        """Return the highest version in range.

        Raises:
            Reject: When there is none; the reason lists what there is.
        """
        return self._resolve(ref)

    def of_message(self, message: Message) -> Contract:
        """Return the contract that a message says it keeps: its ``dataschema``.

        Raises:
            Reject: When it is unknown, or is not the one that the message's ``type`` names (I5).
        """
        contract = self._by_dataschema.get(message.dataschema)
        if contract is None:
            said = message.dataschema[:_NAME_CHARS] or "nothing"
            raise Reject(f"unknown contract: ce-dataschema says {said!r}")
        if contract.name != message.type:
            raise Reject(
                f"ce-type says {message.type[:_NAME_CHARS]!r}, but ce-dataschema {contract.name!r}"
            )
        return contract

    def find(self, dataschema: str) -> Contract | None:
        """Return the contract of a ``dataschema``, None when there is none."""
        return self._by_dataschema.get(dataschema)

    def __iter__(self) -> Iterator[Contract]:
        return iter(self._by_dataschema.values())

    def __len__(self) -> int:
        return len(self._by_dataschema)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Registry)
            and other._by_name == self._by_name
            and other._abouts == self._abouts
        )

    __hash__ = None  # type: ignore[assignment] # equal by value, but its schemas are dicts

    def __repr__(self) -> str:
        return f"Registry({len(self._names)} contracts, {len(self)} versions)"

    def _find(self, ref: ContractRef) -> Contract:
        versions = self._by_name.get(ref.name)
        if versions is None:
            raise Reject(f"no contract {ref.name[:_NAME_CHARS]!r}: {self._nearby(ref.name)}")
        best = ref.best(versions)
        if best is None:
            there = ", ".join(self.versions(ref.name)[-_SHOWN:])
            raise Reject(f"no version of {ref.name} is in {ref.versions!r}: there is {there}")
        return versions[best]

    def _nearby(self, name: str) -> str:
        """List neighbours in the sorted names: cheap, since a caller chooses the name (I8)."""
        if not self._names:
            return "there are no contracts"
        middle = bisect_left(self._names, name)
        start = max(0, min(middle - _SHOWN // 2, len(self._names) - _SHOWN))
        return "there is " + ", ".join(self._names[start : start + _SHOWN])
