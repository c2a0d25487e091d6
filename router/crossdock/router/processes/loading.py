"""What the router needs of the processes of a project, read and compiled."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import msgspec

from crossdock.contracts import Halt, Problem, Registry
from crossdock.mesh.project.loading import load_named
from crossdock.mesh.project.settings import MeshFile, Policy
from crossdock.router.processes.compiled import CompiledProcess
from crossdock.router.processes.compiling import compile_process
from crossdock.router.processes.process_file import FOLDER, ProcessFile
from crossdock.router.processes.revision import process_revision
from crossdock.router.revision import Revision


class LoadedProcess(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A process that is ready to run; equal to another when all that it was made of is equal.

    Attributes:
        file: As written.
        texts: Its expressions, also those in files beside it.
        registry: The contracts that it was compiled with.
        mesh: Name of the mesh.
        policy: Its failure policy.
        compiled: The process itself.
        revision: What records, and instances that begin with it, call this state of it.
    """

    file: ProcessFile
    texts: tuple[str, ...]
    registry: Registry
    mesh: str
    policy: Policy
    compiled: CompiledProcess
    revision: Revision

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LoadedProcess) and (
            (self.file, self.texts, self.policy, self.registry)
            == (other.file, other.texts, other.policy, other.registry)
        )

    __hash__ = None  # type: ignore[assignment] # equal by value, but its registry is not hashable


def load_processes(
    folder: Path, mesh: MeshFile, registry: Registry, taken: Collection[str]
) -> dict[str, LoadedProcess]:
    """Read and compile every process.

    Args:
        folder: The project folder.
        mesh: ``mesh.yaml``.
        registry: The contracts.
        taken: Names of routes: a process has another one.

    Raises:
        Halt: With every problem that was found.
    """
    problems: list[Problem] = []
    found: dict[str, LoadedProcess] = {}
    for file in load_named(folder, FOLDER, ProcessFile, "process"):
        try:
            if file.process in taken:
                raise Halt("a route has the same name: give one of them another")  # noqa: TRY301 - one of several reasons
            found[file.process] = _load(folder, mesh, registry, file)
        except Halt as error:
            place = f"{FOLDER}/{file.process}.yaml"
            told = error.problems or (Problem(message=error.reason),)
            problems += [
                each if each.place else msgspec.structs.replace(each, place=place) for each in told
            ]
    if problems:
        raise Halt.of("the processes cannot be used", problems)
    return found


def _load(folder: Path, mesh: MeshFile, registry: Registry, file: ProcessFile) -> LoadedProcess:
    try:
        policy = mesh.policy(file.on_failure)
    except KeyError:
        raise Halt(f"on_failure: mesh.yaml has no policy {file.on_failure[:80]!r}") from None
    compiled = compile_process(file, registry, folder / FOLDER, mesh=mesh.mesh)
    revision = process_revision(file, folder / FOLDER, compiled.accepted)
    return LoadedProcess(
        file=file,
        texts=compiled.texts,
        registry=registry,
        mesh=mesh.mesh,
        policy=policy,
        compiled=msgspec.structs.replace(compiled, revision=revision.name),
        revision=revision,
    )
