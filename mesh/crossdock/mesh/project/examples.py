"""Reads the examples of contracts, for documents. Whether they hold is what a check tells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from crossdock.contracts import Contract, Registry
from crossdock.mesh.catalogue.description import DescribedContract, Example, described
from crossdock.mesh.project.document import read_bytes
from crossdock.mesh.project.problems import ProjectError

_INVALID: Final = ".invalid"
_MAX_BYTES: Final = 1024 * 1024
_MOST: Final = 50  # of one version: more make a document longer and not clearer


def describe_contracts(folder: Path, registry: Registry) -> tuple[DescribedContract, ...]:
    """Return every contract with its examples.

    Args:
        folder: The project folder; an example in it that cannot be read is left out.
        registry: The contracts.
    """

    def examples(contract: Contract) -> tuple[Example, ...]:
        found = [*_examples(folder, contract, contract.version)]
        if contract.version == registry.versions(contract.name)[-1]:
            found += _examples(folder, contract, "")
        return tuple(found[:_MOST])

    return described(registry, examples)


def _examples(folder: Path, contract: Contract, below: str) -> Iterator[Example]:
    domain, _, event = contract.name.partition(".")
    place = Path("contracts", domain, event, "examples", below)
    for path in sorted((folder / place).glob("*.json")):
        try:
            value = msgspec.json.decode(read_bytes(folder, f"{place}/{path.name}", _MAX_BYTES))
        except (ProjectError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        name = path.name.removesuffix(".json")
        yield Example(
            name=name.removesuffix(_INVALID), value=value, valid=not name.endswith(_INVALID)
        )
