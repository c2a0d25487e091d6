"""Reads what is said of contracts: the ``contract.yaml`` beside their versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from crossdock.contracts import About, Problem
from crossdock.mesh.project.contract_folders import ContractFolder, contract_folders
from crossdock.mesh.project.conversion import convert
from crossdock.mesh.project.document import MAX_BYTES, parse
from crossdock.mesh.project.loading import Loaded
from crossdock.mesh.project.problems import ProjectError
from crossdock.mesh.project.reading import FileReader


def read_abouts(folder: Path) -> tuple[dict[str, Loaded[About]], list[Problem]]:
    """Read the ``contract.yaml`` of every contract that has one.

    Args:
        folder: The project folder.

    Returns:
        Those that are right in themselves, by the name of their contract, and the problems of the
        others.
    """
    problems: list[Problem] = []
    found = abouts_in(contract_folders(folder, []), FileReader(folder), problems)
    return dict(found), problems


def abouts_in(
    folders: Iterable[ContractFolder], reader: FileReader, problems: list[Problem]
) -> Iterator[tuple[str, Loaded[About]]]:
    """Read the ``contract.yaml`` of these contracts, one after the other.

    Args:
        folders: Of the contracts.
        reader: Of the project.
        problems: Gets those of the files that cannot be used.
    """
    for each in folders:
        if each.about is None:
            continue
        try:
            document = parse(reader.read(each.about, MAX_BYTES), each.about)
            yield each.name, Loaded(convert(document, About), document)
        except ProjectError as error:
            problems += error.problems
