"""Finds versions of contracts that break what their ``contract.yaml`` promises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from crossdock.cli.contract_comparison import mode_of
from crossdock.contracts import Contract, Halt, Problem, Registry
from crossdock.contracts.compatibility import Difference, Step, refused_steps
from crossdock.mesh.project.contract_files import ContractFile, located

KEYWORD: Final = "compatibility"
_SHOWN: Final = 5


def broken_versions(
    folder: Path, files: Iterable[ContractFile], registry: Registry
) -> list[Problem]:
    """Return what breaks the mode of its contract, each difference with its place.

    A version that does not compile is told elsewhere, and left out here.

    Args:
        folder: The project folder.
        files: Versions of contracts.
        registry: What is said of the contracts.
    """
    by_name: dict[str, list[ContractFile]] = {}
    for each in files:
        by_name.setdefault(each.contract.name, []).append(each)
    problems: list[Problem] = []
    for name, versions in by_name.items():
        if len(versions) > 1:
            problems += _broken(folder, versions, registry, name)
    return problems


def _broken(
    folder: Path, files: list[ContractFile], registry: Registry, name: str
) -> Iterator[Problem]:
    place = {each.contract.version: each.file for each in files}
    usable = [each.contract for each in files if _compiles(each.contract)]
    for step in refused_steps(usable, mode_of(registry, name)):
        for difference in step.breaking[:_SHOWN]:
            problem = Problem(
                message=_message(step, difference), pointer=difference.pointer, keyword=KEYWORD
            )
            yield located(folder, place[step.new.version], problem)


def _compiles(contract: Contract) -> bool:
    try:
        contract.compile()
    except Halt:
        return False
    return True


def _message(step: Step, difference: Difference) -> str:
    return (
        f"{step.new.name} {step.new.version} is not {step.mode} compatible with "
        f"{step.old.version} ({difference.code}). {difference.why} Undo it, give it a new major "
        "version, or change `compatibility` in contract.yaml"
    )
