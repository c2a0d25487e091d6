"""What can be wrong with the processes of a project once their files are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from crossdock.cli.route_checks import Checked, not_consumed
from crossdock.contracts import ContractRef, Halt, Problem, Registry
from crossdock.mesh.project.document import Path_
from crossdock.mesh.project.loading import Loaded
from crossdock.router.checking.placing import placed
from crossdock.router.processes.checking import check_process
from crossdock.router.processes.compiling import compile_process
from crossdock.router.processes.graph import starts_of
from crossdock.router.processes.process_file import FOLDER, ProcessFile


def check_processes(
    folder: Path, processes: Sequence[Loaded[ProcessFile]], registry: Registry, mesh: str
) -> Checked:
    """Compile every process, as the router will, and check its types against its contracts.

    Args:
        folder: The project folder.
        processes: The processes.
        registry: The contracts.
        mesh: Name of the mesh.
    """
    problems: list[Problem] = []
    warnings: list[Problem] = []
    for each in processes:
        document = each.document
        try:
            compiled = compile_process(each.value, registry, folder / FOLDER, mesh=mesh)
        except Halt as error:
            problems += [
                document.problem(
                    found.message,
                    document.path_of(found.pointer),
                    found.keyword or "invalid-process",
                )
                for found in error.problems
            ]
            continue
        for told in check_process(compiled):
            found = warnings if told.finding.warning else problems
            found.append(placed(told, compiled, document, FOLDER))
    return Checked(problems=tuple(dict.fromkeys(problems)), warnings=tuple(dict.fromkeys(warnings)))


def beside(
    processes: Sequence[Loaded[ProcessFile]],
    *,
    routes: set[str],
    workers: set[str],
    destinations: set[str],
) -> Iterator[Problem]:
    """Check what processes say against the rest of the project.

    Args:
        processes: The processes.
        routes: Names of the routes.
        workers: Names of the workers.
        destinations: What is consumed.
    """
    for each in processes:
        name = each.value.process
        for taken, what in ((routes, "route"), (workers, "worker")):
            if name in taken:  # they would share the subjects of dead letters and records
                message = f"a {what} has the same name: give one of them another"
                yield each.document.problem(message, ("process",))
        yield from not_consumed(each.document, process_sends(each.value), destinations)


def process_sends(process: ProcessFile) -> Iterator[tuple[str, Path_]]:
    """Yield each destination of a process, and where it is named."""
    for name, state in process.states.items():
        for at, send in enumerate(state.enter):
            path: Path_ = ("states", name, "enter", at)
            yield send.send, (*path, "send")
            if send.undo is not None:
                yield send.undo.send, (*path, "undo", "send")


def awaited(process: ProcessFile) -> Iterator[tuple[str, Path_]]:
    """Yield each contract that a process takes, as written, and where it is named."""
    for place, start in starts_of(process):
        name, _, number = place.partition("/")
        path: Path_ = (name, int(number), "on") if number else (name, "on")
        yield start.on, path
    for name, state in process.states.items():
        for at, on in enumerate(state.on):
            yield on.message, ("states", name, "on", at, "message")
        for at, send in enumerate(state.enter):
            if send.undo is not None and send.undo.done is not None:
                yield send.undo.done, ("states", name, "enter", at, "undo", "done")


def takes(process: ProcessFile) -> set[str]:
    """Return the names of the contracts that a process takes."""
    return {ContractRef.parse(text).name for text, _ in awaited(process)}


def begun_by(process: ProcessFile) -> list[str]:
    """Return the contracts that begin a process, as written."""
    return [each.on for _, each in starts_of(process)]
