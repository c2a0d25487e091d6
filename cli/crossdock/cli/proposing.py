"""What somebody wants to make of a mesh, and whether it can be used at all."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import msgspec

from crossdock.cli.project_check import Findings, inspect_project
from crossdock.contracts import Halt, Problem
from crossdock.mesh.project.contract_files import ContractFile, read_contracts
from crossdock.mesh.registry.folders import ProjectFiles, read_project, write_files
from crossdock.mesh.registry.leaks import find_leaks
from crossdock.mesh.registry.revision import Revision
from crossdock.mesh.registry.store import RevisionStore


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a revision, and what a check finds in them.

    Attributes:
        project: The files.
        findings: Of the check.
        contracts: Its contracts.
    """

    project: ProjectFiles
    findings: Findings
    contracts: tuple[ContractFile, ...]

    def __repr__(self) -> str:  # I6
        return f"Proposal({self.project!r})"

    def usable(self) -> Proposal:
        """Return itself.

        Raises:
            Halt: It cannot be used, with every problem.
        """
        problems = [*_leaks(self.project), *self.findings.problems]
        if problems:
            raise Halt.of("the project cannot be used", problems)
        return self


def examine(project: ProjectFiles) -> Proposal:
    """Check the very files that a service would get, without anything that lies beside them.

    Raises:
        Halt: There is no room to write them down.
    """
    with tempfile.TemporaryDirectory(prefix="crossdock-") as place:
        folder = Path(place) / "project"
        write_files(folder, project.files, project.contents, {})
        contracts = tuple(read_contracts(folder)[0])
        return Proposal(project=project, findings=inspect_project(folder), contracts=contracts)


async def of_folder(folder: Path) -> Proposal:
    """Propose what a project folder holds.

    Raises:
        Halt: It cannot be used, with every problem.
    """
    return (await asyncio.to_thread(lambda: examine(read_project(folder)))).usable()


async def of_revision(store: RevisionStore, revision: Revision) -> Proposal:
    """Propose what a revision held.

    Raises:
        Halt: It cannot be used any more, or it is damaged.
        Disconnected: The broker does not answer.
    """
    files = await store.files(revision)
    contents = await store.contents(files.values())
    project = ProjectFiles(files=files, contents=contents, left_out=())
    return (await asyncio.to_thread(examine, project)).usable()


async def with_contracts(
    store: RevisionStore, head: Revision, folder: Path, name: str | None
) -> Proposal:
    """Propose the revision that holds with contracts of a folder instead of its own.

    Args:
        store: The registry.
        head: The revision that holds.
        folder: The project folder.
        name: Of the contract; None for all contracts.

    Raises:
        Halt: It cannot be used, with every problem; or the folder has no such contract.
        Disconnected: The broker does not answer.
    """
    ours = read_project(folder)
    here = _places(name)
    chosen = {path: digest for path, digest in ours.files.items() if path.startswith(here)}
    if not chosen:
        raise Halt(f"the project has no contract {name or 'at all'}: see `crossdock contract list`")
    theirs = await store.files(head)
    replaced = (_own(name),) if name else here
    kept = {path: each for path, each in theirs.items() if not path.startswith(replaced)}
    files = kept | chosen
    contents = {**await store.contents(set(kept.values())), **ours.contents}
    project = ProjectFiles(files=files, contents=contents, left_out=())
    return (await asyncio.to_thread(examine, project)).usable()


def _places(name: str | None) -> tuple[str, ...]:
    """Where the files of a contract are; what it shares with others comes along."""
    return ("contracts/",) if name is None else (_own(name), "contracts/definitions/")


def _own(name: str) -> str:
    domain, _, rest = name.partition(".")
    return f"contracts/{domain}/{rest}/"


def _leaks(project: ProjectFiles) -> list[Problem]:
    names = {digest: path for path, digest in project.files.items()}
    texts = {names[each]: text for each, text in project.contents.items() if each in names}
    return list(find_leaks(texts))
