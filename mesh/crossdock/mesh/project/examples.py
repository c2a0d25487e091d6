"""Reads the examples of contracts, for documents. Whether they hold is what a check tells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from crossdock.contracts import Contract, Registry
from crossdock.mesh.catalogue.description import DescribedContract, Example, described
from crossdock.mesh.project.contract_examples import find_examples
from crossdock.mesh.project.contract_files import MAX_BYTES, ContractFile, json_value
from crossdock.mesh.project.contract_folders import FOLDER
from crossdock.mesh.project.problems import ProjectError
from crossdock.mesh.project.reading import FileReader

_MOST: Final = 50  # of one version: more make a document longer and not clearer


def describe_contracts(folder: Path, registry: Registry) -> tuple[DescribedContract, ...]:
    """Return every contract with its examples.

    Args:
        folder: The project folder; an example in it that cannot be read is left out.
        registry: The contracts.
    """
    found: dict[str, list[Example]] = {}
    for key, example in _examples(folder, registry):
        of_version = found.setdefault(key, [])
        if len(of_version) < _MOST:
            of_version.append(example)
    return described(registry, lambda contract: tuple(found.get(contract.dataschema, ())))


def _examples(folder: Path, registry: Registry) -> Iterator[tuple[str, Example]]:
    reader = FileReader(folder)
    for each in find_examples(folder, (_file(contract) for contract in registry)):
        try:
            value = json_value(reader.read(each.file, MAX_BYTES), each.file)
        except ProjectError:
            continue
        name = each.name.rpartition("/")[2]
        yield each.contract.dataschema, Example(name=name, value=value, valid=each.valid)


def _file(contract: Contract) -> ContractFile:
    domain, _, event = contract.name.partition(".")
    file = f"{FOLDER}/{domain}/{event}/{contract.version}.schema.json"
    return ContractFile(contract=contract, file=file)
