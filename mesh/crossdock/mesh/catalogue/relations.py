"""Who makes and who takes the messages of a contract, as a description tells it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from crossdock.contracts import ContractRef
from crossdock.mesh.catalogue.description import (
    DescribedContract,
    DescribedRoute,
    DescribedVersion,
    MeshDescription,
    Sent,
)


class Relation(msgspec.Struct, frozen=True):
    """One that makes or takes messages of a contract.

    Attributes:
        kind: ``client``, ``api``, ``worker`` or ``route``.
        name: Its name.
        how: What it does with them, for people.
        versions: Which versions, lowest first.
    """

    kind: str
    name: str
    how: str
    versions: tuple[str, ...]


class Relations:
    """Looks relations up in one description."""

    def __init__(self, description: MeshDescription) -> None:
        self._described = description
        self._contracts = {each.name: each for each in description.contracts}

    def accepted(self, route: DescribedRoute) -> list[tuple[DescribedContract, DescribedVersion]]:
        """Return every version of every contract that a route accepts."""
        return [found for text in route.accepts for found in self._in_range(text)]

    def sent(
        self, route: DescribedRoute, sent: Sent
    ) -> list[tuple[DescribedContract, DescribedVersion]]:
        """Return every version that a route may send to a destination."""
        return self.accepted(route) if sent.contract is None else self.published(sent.contract)

    def published(self, text: str) -> list[tuple[DescribedContract, DescribedVersion]]:
        """Return the one version that is meant where something is made: the highest in range."""
        return self._in_range(text)[-1:]

    def reaching(self, destination: str) -> list[tuple[DescribedContract, DescribedVersion]]:
        """Return every version that any route may send to a destination."""
        found = {
            (contract.name, version.version): (contract, version)
            for route in self._described.routes
            for sent in route.sends
            if sent.destination == destination
            for contract, version in self.sent(route, sent)
        }
        return [found[key] for key in sorted(found)]

    def producers(self, name: str) -> list[Relation]:
        """Return who makes messages of a contract."""
        gateway = [*self._callers(name), *self._apis(name)]
        return [*gateway, *self._sources(name), *self._making_routes(name)]

    def consumers(self, name: str) -> list[Relation]:
        """Return who takes messages of a contract."""
        return [*self._taking_routes(name), *self._sinks(name)]

    def _callers(self, name: str) -> Iterator[Relation]:
        for caller in self._described.callers:
            if name in caller.contracts:
                yield Relation("client", caller.name, "may send it by HTTP", ())

    def _apis(self, name: str) -> Iterator[Relation]:
        for api in self._described.apis:
            versions = _versions(self.published(api.publishes), name)
            if versions:
                yield Relation("api", api.name, f"{api.method} {api.path}", versions)

    def _sources(self, name: str) -> Iterator[Relation]:
        for worker in self._described.workers:
            made = worker.publishes or worker.replies
            if made is not None:
                versions = _versions(self.published(made), name)
                if versions:
                    does = "publishes" if worker.publishes else "is answered"
                    yield Relation("worker", worker.name, f"{worker.adapter} {does}", versions)

    def _making_routes(self, name: str) -> Iterator[Relation]:
        for route in self._described.routes:
            for sent in route.sends:
                if sent.contract is None:
                    continue
                versions = _versions(self.published(sent.contract), name)
                if versions:
                    yield Relation("route", route.name, f"makes for {sent.destination}", versions)

    def _taking_routes(self, name: str) -> Iterator[Relation]:
        for route in self._described.routes:
            versions = _versions(self.accepted(route), name)
            if versions:
                onward = ", ".join(dict.fromkeys(each.destination for each in route.sends))
                yield Relation("route", route.name, f"sends on to {onward}", versions)

    def _sinks(self, name: str) -> Iterator[Relation]:
        for worker in self._described.workers:
            if worker.publishes is None:
                versions = _versions(self.reaching(worker.destination), name)
                if versions:
                    yield Relation("worker", worker.name, f"{worker.adapter} delivers", versions)

    def _in_range(self, text: str) -> list[tuple[DescribedContract, DescribedVersion]]:
        ref = ContractRef.parse(text)
        contract = self._contracts.get(ref.name)
        if contract is None:
            return []
        return [(contract, each) for each in contract.versions if ref.accepts(each.version)]


def _versions(
    found: list[tuple[DescribedContract, DescribedVersion]], name: str
) -> tuple[str, ...]:
    return tuple(version.version for contract, version in found if contract.name == name)
