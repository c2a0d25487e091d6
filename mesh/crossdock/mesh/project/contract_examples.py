"""Checks contracts with their examples: those that are to be accepted, and those to be refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
from semantic_version import Version

from crossdock.contracts import About, Contract, Expected, Halt, Problem
from crossdock.mesh.project.contract_files import MAX_BYTES, ContractFile, json_value, located
from crossdock.mesh.project.contract_folders import EXAMPLES, entries
from crossdock.mesh.project.loading import Loaded
from crossdock.mesh.project.problems import ProjectError
from crossdock.mesh.project.reading import FileReader

_INVALID: Final = ".invalid.json"
_SHOWN: Final = 5


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """An example of a contract.

    Attributes:
        contract: The version that it is of.
        file: Its path from the project folder.
        name: As routes and ``contract.yaml`` call it: ``small``, ``1.0.0/small``.
        valid: Whether the contract must accept it.
    """

    contract: Contract
    file: str
    name: str
    valid: bool


def find_examples(folder: Path, files: Iterable[ContractFile]) -> Iterator[Example]:
    """Find the examples of contracts: those of the highest version, and those that name theirs.

    Args:
        folder: The project folder.
        files: Versions of contracts; of each contract all.
    """
    versions: dict[str, dict[str, Contract]] = {}
    for each in files:
        found = versions.setdefault(each.file.rpartition("/")[0], {})
        found[each.contract.version] = each.contract
    for place, found in versions.items():
        highest = found[max(found, key=Version)]
        for under, contract in (("", highest), *((f"{v}/", each) for v, each in found.items())):
            for name in entries(folder, f"{place}/{EXAMPLES}/{under}"):
                if name.endswith(".json"):
                    valid = not name.endswith(_INVALID)
                    yield Example(
                        contract=contract,
                        file=f"{place}/{EXAMPLES}/{under}{name}",
                        name=under + name.removesuffix(".json" if valid else _INVALID),
                        valid=valid,
                    )


def deep_problems(
    folder: Path, files: list[ContractFile], abouts: Mapping[str, Loaded[About]]
) -> list[Problem]:
    """Do what takes longer: compile each schema, and check the examples beside it.

    An example must be accepted, or refused when its name ends in ``.invalid.json``, and for the
    reason that its contract's ``contract.yaml`` names.
    """
    problems: list[Problem] = []
    usable: list[ContractFile] = []
    for each in files:
        try:
            each.contract.compile()
        except Halt as error:
            problems += [located(folder, each.file, problem) for problem in error.problems]
        else:
            usable.append(each)
    reader = FileReader(folder)
    shown: dict[str, set[str]] = {}
    for example in find_examples(folder, usable):
        if not example.valid:
            shown.setdefault(example.contract.name, set()).add(example.name)
        problems += _example_problems(reader, example, abouts.get(example.contract.name))
    for name in {each.contract.name for each in usable} & abouts.keys():
        problems += _without_example(abouts[name], shown.get(name, set()))
    return problems


def _example_problems(
    reader: FileReader, example: Example, about: Loaded[About] | None
) -> Iterator[Problem]:
    try:
        value = json_value(reader.read(example.file, MAX_BYTES), example.file)
    except ProjectError as error:
        yield from error.problems
        return
    found = example.contract.problems(value)
    if example.valid:
        yield from (located(reader.folder, example.file, each) for each in found)
        return
    if not found:
        which = f"{example.contract.name} {example.contract.version}"
        message = (
            f"{which} accepts it, but its name says invalid: correct the example or the schema"
        )
        yield Problem(message=message, place=f"{example.file}:1")
    elif about is not None and example.name in about.value.invalid:
        expected = about.value.invalid[example.name]
        if all((each.pointer, each.keyword) != _pair(expected) for each in found):
            yield about.document.problem(
                f"{example.file} is not refused for that, but for {_listed(found)}",
                ("invalid", example.name),
            )


def _without_example(about: Loaded[About], shown: set[str]) -> Iterator[Problem]:
    place = about.document.file.rpartition("/")[0]
    for name in about.value.invalid.keys() - shown:
        message = f"there is no {place}/{EXAMPLES}/{name[:80]}{_INVALID}: add it, or remove this"
        yield about.document.problem(message, ("invalid", name))


def _pair(expected: Expected) -> tuple[str, str]:
    return expected.pointer, expected.keyword


def _listed(found: list[Problem]) -> str:
    shown = [f"{each.keyword} at {each.pointer or 'the whole of it'}" for each in found[:_SHOWN]]
    return ", ".join(shown) + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")
