"""What a new version of a contract would do to the processes of a project."""

from __future__ import annotations

from pathlib import Path

from crossdock.cli.impact_routes import RouteImpact
from crossdock.cli.process_checks import check_processes
from crossdock.contracts import Contract, Halt, Problem, Registry
from crossdock.mesh.project.loading import Loaded, load_mesh, read_named
from crossdock.router.processes.compiled import CompiledProcess
from crossdock.router.processes.compiling import compile_process
from crossdock.router.processes.process_file import FOLDER, ProcessFile
from crossdock.router.processes.testing import run_process_examples


def process_impacts(
    folder: Path, contract: Contract, registries: tuple[Registry, Registry], unread: list[Problem]
) -> list[RouteImpact]:
    """Return the processes that meet the version; they take and send messages as routes do.

    Args:
        folder: The project folder.
        contract: The new version.
        registries: The contracts without it, and with it.
        unread: Gets why processes could not be read.

    Raises:
        Halt: ``mesh.yaml`` cannot be used.
    """
    mesh = load_mesh(folder).mesh
    processes, problems = read_named(folder, FOLDER, ProcessFile, "process")
    unread += problems
    found = [_impact(folder, mesh, each, contract, registries) for each in processes]
    return [each for each in found if each is not None]


def _impact(
    folder: Path,
    mesh: str,
    process: Loaded[ProcessFile],
    contract: Contract,
    registries: tuple[Registry, Registry],
) -> RouteImpact | None:
    before, after = registries
    compiled = _compiled(folder, mesh, process, after)
    if compiled is None:
        return None
    takes = contract.dataschema in compiled.accepted
    commands = [c for each in compiled.commands() for c in (each, each.undo) if c is not None]
    sends = any(each.contract.dataschema == contract.dataschema for each in commands)
    if not takes and not sends:
        return None
    # Checked as if there were no other version: a field that only others have is missing here.
    alone = Registry([*(each for each in before if each.name != contract.name), contract])
    known = {*_wrong(folder, mesh, process, before)}
    found = [
        *check_processes(folder, [process], alone, mesh).problems,
        *_tried(folder, mesh, process, after),
    ]
    told = tuple(dict.fromkeys(each for each in found if each not in known))
    return RouteImpact(route=process.value.process, accepts=takes, sends=sends, problems=told)


def _wrong(
    folder: Path, mesh: str, process: Loaded[ProcessFile], registry: Registry
) -> list[Problem]:
    checked = check_processes(folder, [process], registry, mesh).problems
    return [*checked, *_tried(folder, mesh, process, registry)]


def _tried(
    folder: Path, mesh: str, process: Loaded[ProcessFile], registry: Registry
) -> list[Problem]:
    """Return what is wrong with the examples, each at its place."""
    compiled = _compiled(folder, mesh, process, registry)
    if compiled is None:
        return []
    results, _ = run_process_examples(compiled, process.value.examples, registry, folder)
    return [
        process.document.problem(
            f"example {each.given}: {problem.message}", ("examples", each.example)
        )
        for each in results
        for problem in each.problems
    ]


def _compiled(
    folder: Path, mesh: str, process: Loaded[ProcessFile], registry: Registry
) -> CompiledProcess | None:
    try:
        return compile_process(process.value, registry, folder / FOLDER, mesh=mesh)
    except Halt:
        return None
