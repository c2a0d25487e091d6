"""How the gateway lists contracts."""

from __future__ import annotations

import msgspec

from crossdock.mesh.catalogue.description import DescribedContract

PATH = "/v1/contracts"


class VersionEntry(msgspec.Struct, frozen=True):
    """One version of a contract.

    Attributes:
        version: Which.
        href: Where its JSON Schema is.
    """

    version: str
    href: str


class ContractEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A contract, as it is listed.

    Attributes:
        name: domain.entity.event.
        title: What it is called.
        owner: Who answers for it.
        description: For people.
        deprecated: Why nobody should begin to use it.
        href: Where this entry is.
        versions: Lowest first.
    """

    name: str
    title: str = ""
    owner: str = ""
    description: str = ""
    deprecated: str = ""
    href: str
    versions: tuple[VersionEntry, ...]


def entry_of(contract: DescribedContract) -> ContractEntry:
    """Return the entry of a contract."""
    href = f"{PATH}/{contract.name}"
    return ContractEntry(
        name=contract.name,
        title=contract.title,
        owner=contract.owner,
        description=contract.description,
        deprecated=contract.deprecated,
        href=href,
        versions=tuple(
            VersionEntry(each.version, f"{href}/{each.version}") for each in contract.versions
        ),
    )
