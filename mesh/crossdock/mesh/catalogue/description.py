"""What a mesh is, as one value: from it every document is made that people or tools read.

The composition root fills it, because only that knows contracts, routes and workers at once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from hashlib import sha256
from typing import Any, TypeAlias

import msgspec

from crossdock.contracts import Contract, ContractRef, Registry
from crossdock.contracts.about import Deprecation

_REVISION_DIGITS = 12


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One example of a contract's data.

    Attributes:
        name: Its file, without the suffix.
        value: The data.
        valid: Whether the contract accepts it; one that is not shows what is refused.
    """

    name: str
    value: Any
    valid: bool = True

    def __repr__(self) -> str:  # I6: examples are often taken from life
        return f"Example({self.name!r}, valid={self.valid})"


class DescribedVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a contract.

    Attributes:
        contract: Its schema.
        examples: Of this version.
    """

    contract: Contract
    examples: tuple[Example, ...] = ()

    @property
    def version(self) -> str:
        """Which version it is."""
        return self.contract.version

    @property
    def key(self) -> str:
        """Name and version in one word that documents take as the name of a part."""
        return f"{self.contract.name}-{self.version}".replace("+", "_")

    @property
    def accepted(self) -> tuple[Example, ...]:
        """The valid examples."""
        return tuple(each for each in self.examples if each.valid)


class DescribedContract(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A contract with all of its versions.

    Attributes:
        name: ``domain.entity.event``.
        versions: Lowest first; at least one.
        title: What it is called, in a few words; ``""`` when nobody says.
        description: For people; ``""`` when nobody says.
        owner: Who answers for it; ``""`` when nobody says.
        compatibility: What a new version keeps; ``""`` when nobody says.
        deprecated: Why nobody should begin to use it; ``""`` when one may.
        personal: JSON Pointers of what is personal, with ``*`` for every item or member.
    """

    name: str
    versions: tuple[DescribedVersion, ...]
    title: str = ""
    description: str = ""
    owner: str = ""
    compatibility: str = ""
    deprecated: str = ""
    personal: tuple[str, ...] = ()

    @cached_property
    def highest(self) -> DescribedVersion:
        """The version that is meant when none is named."""
        chosen = ContractRef(self.name).best(each.version for each in self.versions)
        return next((each for each in self.versions if each.version == chosen), self.versions[-1])


class Sent(msgspec.Struct, frozen=True):
    """What a route sends to a destination.

    Attributes:
        destination: Where to.
        contract: Of what it sends, ``name@range``; None for that of the message that came in.
    """

    destination: str
    contract: str | None = None


class DescribedRoute(msgspec.Struct, frozen=True, kw_only=True):
    """A route.

    Attributes:
        name: Its name.
        description: For people.
        accepts: Contracts, ``name@range``.
        sends: What it may send, in the order of its file.
    """

    name: str
    description: str = ""
    accepts: tuple[str, ...]
    sends: tuple[Sent, ...] = ()


class DescribedWorker(msgspec.Struct, frozen=True, kw_only=True):
    """A worker: a source when it publishes, else a sink.

    Attributes:
        name: Its name.
        description: For people.
        adapter: What speaks its protocol.
        publishes: Contract, ``name@range``; None for a sink.
        destination: What a sink consumes.
        replies: Contract as which the answers of a sink's system come in, ``name@range``; None for
            none.
    """

    name: str
    description: str = ""
    adapter: str
    publishes: str | None = None
    destination: str = ""
    replies: str | None = None


class DescribedApi(msgspec.Struct, frozen=True, kw_only=True):
    """A path of the gateway for callers with a form of their own.

    Attributes:
        name: Its name.
        method: Of requests.
        path: Of requests, with parameters in braces.
        publishes: Contract of what a request becomes, ``name@range``.
        description: For people.
        maps: Whether a mapping makes the data; otherwise the body is the data.
        replies: Contract of the reply that a caller gets, ``name@range``; None when it gets none.
    """

    name: str
    method: str
    path: str
    publishes: str
    description: str = ""
    maps: bool = False
    replies: str | None = None


class Caller(msgspec.Struct, frozen=True):
    """A client of the gateway.

    Attributes:
        name: Its name.
        contracts: Names of the contracts that it may send.
    """

    name: str
    contracts: frozenset[str]


class MeshDescription(msgspec.Struct, frozen=True, kw_only=True):
    """A whole mesh.

    Attributes:
        mesh: Its name.
        description: For people.
        contracts: By name.
        routes: By name.
        workers: By name.
        apis: By name.
        callers: By name.
    """

    mesh: str
    description: str = ""
    contracts: tuple[DescribedContract, ...] = ()
    routes: tuple[DescribedRoute, ...] = ()
    workers: tuple[DescribedWorker, ...] = ()
    apis: tuple[DescribedApi, ...] = ()
    callers: tuple[Caller, ...] = ()

    def only(self, visible: Callable[[str], bool]) -> MeshDescription:
        """Return the description for one who may know some contracts, and nothing of the mesh."""
        contracts = tuple(each for each in self.contracts if visible(each.name))
        apis = tuple(each for each in self.apis if visible(ContractRef.parse(each.publishes).name))
        return MeshDescription(
            mesh=self.mesh, description=self.description, contracts=contracts, apis=apis
        )


Describe: TypeAlias = Callable[[], MeshDescription]
ExamplesOf: TypeAlias = Callable[[Contract], tuple[Example, ...]]


def described(
    registry: Registry, examples: ExamplesOf | None = None
) -> tuple[DescribedContract, ...]:
    """Return every contract of a registry.

    Args:
        registry: The contracts.
        examples: Finds those of a version; without it there are none.
    """
    return tuple(_contract(registry, name, examples) for name in registry.names())


def _contract(registry: Registry, name: str, examples: ExamplesOf | None) -> DescribedContract:
    contracts = [registry.resolve(ContractRef(name, each)) for each in registry.versions(name)]
    schema, about = contracts[-1].schema, registry.about(name)
    return DescribedContract(
        name=name,
        versions=tuple(
            DescribedVersion(contract=each, examples=examples(each) if examples else ())
            for each in contracts
        ),
        title=about.title or text_of(schema.get("title")),
        description=about.description or text_of(schema.get("description")),
        owner=about.owner,
        compatibility=about.compatibility,
        deprecated=_deprecation(about.deprecated),
        personal=about.personal,
    )


def _deprecation(said: Deprecation | None) -> str:
    if said is None:
        return ""
    parts = [f"since {said.since}"]
    if said.sunset is not None:
        parts.append(f"until {said.sunset}")
    if said.replaced_by:
        parts.append(f"use {said.replaced_by}")
    return f"{said.reason.rstrip('.')} ({', '.join(parts)})"


def revision_of(document: object) -> str:
    """Return what tells one state of a document from another: digits of its SHA-256."""
    encoded = msgspec.json.encode(document, order="deterministic")
    return sha256(encoded).hexdigest()[:_REVISION_DIGITS]


def text_of(value: object) -> str:
    """Return a text of a schema; ``""`` for what is none."""
    return value if isinstance(value, str) else ""
