"""The catalogue of a mesh's contracts as static pages, which work from a file. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from crossdock.contracts import Problem
from crossdock.mesh.catalogue.changes import steps_of
from crossdock.mesh.catalogue.description import (
    DescribedContract,
    Example,
    MeshDescription,
    revision_of,
)
from crossdock.mesh.catalogue.pages import Pages
from crossdock.mesh.catalogue.relations import Relations
from crossdock.mesh.catalogue.schema_fields import fields_of


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A contract on the first page.

    Attributes:
        name: The contract's.
        domain: The first part of it.
        title: What it is called.
        owner: Who answers for it.
        version: The highest.
        versions: How many there are.
        deprecated: Whether nobody should begin to use it.
        personal: Whether its data is about people.
        href: Its page.
        search: What it is found by.
    """

    name: str
    domain: str
    title: str
    owner: str
    version: str
    versions: int
    deprecated: bool
    personal: bool
    href: str
    search: str


def site(description: MeshDescription) -> Iterator[tuple[str, str]]:
    """Yield each page: its path, and its HTML.

    Args:
        description: Of the whole mesh.
    """
    pages, relations = Pages(), Relations(description)
    revision = revision_of(description.contracts)
    entries = [_entry(each, relations) for each in description.contracts]
    yield (
        "index.html",
        pages.render("index.html.j2", mesh=description, entries=entries, revision=revision),
    )
    for each in description.contracts:
        older = [version for version in reversed(each.versions) if version is not each.highest]
        yield (
            f"contracts/{each.name}.html",
            pages.render(
                "contract.html.j2",
                mesh=description.mesh,
                contract=each,
                older=older,
                fields=fields_of(each.highest.contract.schema),
                producers=relations.producers(each.name),
                consumers=relations.consumers(each.name),
                refused=_refused(each),
                changes=steps_of(each),
                revision=revision,
            ),
        )


def _entry(contract: DescribedContract, relations: Relations) -> Entry:
    fields = [each.path for each in fields_of(contract.highest.contract.schema)]
    related = [*relations.producers(contract.name), *relations.consumers(contract.name)]
    said = (contract.name, contract.title, contract.description, contract.owner)
    return Entry(
        name=contract.name,
        domain=contract.name.partition(".")[0],
        title=contract.title,
        owner=contract.owner,
        version=contract.highest.version,
        versions=len(contract.versions),
        deprecated=bool(contract.deprecated),
        personal=bool(contract.personal),
        href=f"contracts/{contract.name}.html",
        search=" ".join([*said, *fields, *(each.name for each in related)]),
    )


def _refused(contract: DescribedContract) -> list[tuple[Example, list[Problem]]]:
    shown = contract.highest
    return [
        (each, shown.contract.problems(each.value)) for each in shown.examples if not each.valid
    ]
