"""Checks a whole project: every file in itself, and all of them together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

import msgspec

from crossdock.cli.api_checks import check_apis
from crossdock.cli.process_checks import beside, check_processes, process_sends, takes
from crossdock.cli.route_checks import check_routes, dangling, sends_to
from crossdock.cli.route_loops import check_loops
from crossdock.cli.slip_checks import stop_problems
from crossdock.cli.worker_checks import CheckedWorker, check_workers
from crossdock.contracts import ContractRef, Halt, Problem, Registry
from crossdock.contracts.replying import REPLY
from crossdock.contracts.slips import NEXT
from crossdock.gateway.api_file import FOLDER as APIS
from crossdock.gateway.api_file import ApiFile
from crossdock.gateway.client_file import load_clients
from crossdock.mesh.project.about_checks import about_problems
from crossdock.mesh.project.contract_abouts import read_abouts
from crossdock.mesh.project.contract_examples import deep_problems
from crossdock.mesh.project.contract_files import read_contracts, stand_ins
from crossdock.mesh.project.loading import MESH_FILE, Loaded, read_mesh, read_named
from crossdock.mesh.project.problems import ProjectError
from crossdock.mesh.project.settings import MeshFile, StepSettings
from crossdock.router.calls.loading import read_calls
from crossdock.router.loading import FOLDER as ROUTES
from crossdock.router.processes.process_file import FOLDER as PROCESSES
from crossdock.router.processes.process_file import ProcessFile
from crossdock.router.python_steps.frames import Described
from crossdock.router.python_steps.loading import load_functions
from crossdock.router.route_file import RouteFile
from crossdock.router.step_file import asked
from crossdock.workers.loading import FOLDER as WORKERS
from crossdock.workers.worker_file import WorkerFile

T = TypeVar("T")


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found.

    Attributes:
        problems: What must be changed before the project can run, by place.
        warnings: What is probably not meant; the project runs.
        mesh: ``mesh.yaml``, None when it cannot be used.
        contracts: The contracts; one whose file is wrong accepts everything here.
        routes: The routes that are right in themselves.
        workers: The workers that are right in themselves, with their adapters.
        apis: The APIs that are right in themselves.
        processes: The processes that are right in themselves.
    """

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    mesh: MeshFile | None
    contracts: Registry
    routes: tuple[RouteFile, ...]
    workers: tuple[CheckedWorker, ...]
    apis: tuple[ApiFile, ...]
    processes: tuple[ProcessFile, ...] = ()


def inspect_project(folder: Path) -> Findings:
    """Read a whole project and tell everything that is wrong with it.

    Nothing is started but a process that imports the Python steps, if there are any.

    Args:
        folder: The project folder.
    """
    problems: list[Problem] = []
    registry = _contracts(folder, problems)
    mesh = _mesh(folder, problems)
    routes = _told(read_named(folder, ROUTES, RouteFile, "route"), problems)
    loaded = _told(read_named(folder, WORKERS, WorkerFile, "worker"), problems)
    workers = _told(check_workers(folder, loaded, registry), problems)
    apis = _told(read_named(folder, APIS, ApiFile, "api"), problems)
    problems += check_apis(folder, apis, registry)
    calls = _told(read_calls(folder, registry), problems)
    name = mesh.value.mesh if mesh else "mesh"
    functions = _told(_functions(folder, mesh), problems)
    checked = check_routes(folder, routes, registry, name, calls, functions)
    processes = _told(read_named(folder, PROCESSES, ProcessFile, "process"), problems)
    judged = check_processes(folder, processes, registry, name)
    problems += judged.problems
    loops = check_loops(routes, workers, apis, mesh.value if mesh else None)
    problems += [*checked.problems, *loops.problems]
    problems += _together(folder, mesh, routes, workers)
    problems += beside(
        processes,
        routes={each.value.route for each in routes},
        workers={each.loaded.value.worker for each in workers},
        destinations=_destinations(folder, workers),
    )
    if mesh is not None:
        problems += _policies(mesh.value, processes)
    problems += _clients(folder)
    return Findings(
        problems=tuple(sorted(set(problems), key=by_place)),
        warnings=(
            *checked.warnings,
            *judged.warnings,
            *loops.warnings,
            *(() if problems else _doubts(routes, workers, apis, processes, registry)),
        ),
        mesh=mesh.value if mesh else None,
        contracts=registry,
        routes=tuple(each.value for each in routes),
        workers=tuple(workers),
        apis=tuple(each.value for each in apis),
        processes=tuple(each.value for each in processes),
    )


def accepts(route: RouteFile) -> tuple[str, ...]:
    """Return the contracts that a route accepts, as written."""
    return (route.accepts,) if isinstance(route.accepts, str) else route.accepts


def _told(read: tuple[T, Iterable[Problem]], problems: list[Problem]) -> T:
    """Return what was read, and keep what is wrong with it."""
    found, wrong = read
    problems.extend(wrong)
    return found


def _contracts(folder: Path, problems: list[Problem]) -> Registry:
    files = _told(read_contracts(folder), problems)
    abouts = _told(read_abouts(folder), problems)
    problems += deep_problems(folder, files, abouts)
    registry = Registry(
        [*(each.contract for each in files), *stand_ins(folder, files)],
        {name: each.value for name, each in abouts.items()},
    )
    problems += about_problems(abouts, registry)
    return registry


def _mesh(folder: Path, problems: list[Problem]) -> Loaded[MeshFile] | None:
    try:
        return read_mesh(folder)
    except ProjectError as error:
        problems += error.problems
        return None


def _functions(
    folder: Path, mesh: Loaded[MeshFile] | None
) -> tuple[dict[str, Described], tuple[Problem, ...]]:
    """Find the Python steps: a process of their own imports them."""
    settings = StepSettings() if mesh is None else mesh.value.steps
    try:
        return load_functions(folder, settings).steps, ()
    except Halt as error:
        return {}, error.problems or (Problem(message=error.reason, place="steps/:1"),)


def _clients(folder: Path) -> tuple[Problem, ...]:
    try:
        load_clients(folder)
    except ProjectError as error:
        return error.problems
    return ()


def _together(
    folder: Path,
    mesh: Loaded[MeshFile] | None,
    routes: list[Loaded[RouteFile]],
    workers: list[CheckedWorker],
) -> Iterator[Problem]:
    """Check what one file says of another."""
    if mesh is not None:
        yield from _policies(mesh.value, [*routes, *(each.loaded for each in workers)])
    names = {each.value.route for each in routes}
    for each in workers:
        if each.loaded.value.worker in names:  # they would share the subject of their dead letters
            message = "a route has the same name: give one of them another"
            yield each.loaded.document.problem(message, ("worker",))
    yield from stop_problems(routes)
    yield from dangling(routes, _destinations(folder, workers))


def _policies(
    mesh: MeshFile,
    files: Sequence[Loaded[RouteFile] | Loaded[WorkerFile] | Loaded[ProcessFile]],
) -> Iterator[Problem]:
    known = {"standard", *mesh.policies}
    for each in files:
        name = each.value.on_failure
        if name not in known:
            hint = _did_you_mean(name, known) or f"{MESH_FILE} has {', '.join(sorted(known))}"
            yield each.document.problem(f"unknown policy {name[:80]!r}; {hint}", ("on_failure",))


def _destinations(folder: Path, workers: list[CheckedWorker]) -> set[str]:
    """Return what is consumed; a worker that cannot be read or loaded has the benefit of doubt."""
    there = {path.stem for path in (folder / WORKERS).glob("*.y*ml")}
    unread = there - {each.loaded.value.worker for each in workers}
    consumed = {each.loaded.value.destination for each in workers if not each.is_source}
    return unread | consumed | {REPLY, NEXT}


def _doubts(
    routes: list[Loaded[RouteFile]],
    workers: list[CheckedWorker],
    apis: list[Loaded[ApiFile]],
    processes: list[Loaded[ProcessFile]],
    registry: Registry,
) -> Iterator[Problem]:
    accepted = _accepted(routes) | {name for each in processes for name in takes(each.value)}
    fed = {name for route in routes for name, _ in sends_to(route)}
    fed |= {name for each in processes for name, _ in process_sends(each.value)}
    yield from _unrouted(accepted, apis)
    yield from _unanswered(accepted, routes)
    yield from _idle(accepted, fed, workers)
    yield from _outdated(routes, registry)


def _unrouted(accepted: set[str], apis: list[Loaded[ApiFile]]) -> Iterator[Problem]:
    for each in apis:
        name = ContractRef.parse(each.value.publishes).name
        if name not in accepted:
            message = f"no route accepts {name}: what it publishes goes nowhere"
            yield each.document.problem(message, ("publishes",))


def _unanswered(accepted: set[str], routes: list[Loaded[RouteFile]]) -> Iterator[Problem]:
    for each in routes:
        for text in asked(each.value.steps):
            name = ContractRef.parse(text).name
            if name not in accepted:
                yield each.document.problem(
                    f"no route accepts {name}: nobody answers what is asked", ("steps",)
                )


def _accepted(routes: list[Loaded[RouteFile]]) -> set[str]:
    return {
        ContractRef.parse(each).name
        for route in routes
        if not route.value.slip  # it takes only what a slip sends there
        for each in accepts(route.value)
    }


def _idle(accepted: set[str], fed: set[str], workers: list[CheckedWorker]) -> Iterator[Problem]:
    for each in workers:
        value, document = each.loaded.value, each.loaded.document
        if each.is_sink and value.destination not in fed:
            yield document.problem(f"no route sends to {value.destination!r}: it will be idle")
        if value.publishes is not None:
            name = ContractRef.parse(value.publishes).name
            if name not in accepted:
                yield document.problem(f"no route accepts {name}: what it publishes goes nowhere")
        if value.reply is not None:
            name = ContractRef.parse(value.reply.as_).name
            if name not in accepted:
                message = f"no route accepts {name}: what is answered goes nowhere"
                yield document.problem(message, ("reply", "as"))


def _outdated(routes: list[Loaded[RouteFile]], registry: Registry) -> Iterator[Problem]:
    for route in routes:
        for index, text in enumerate(accepts(route.value)):
            name = ContractRef.parse(text).name
            deprecated = registry.about(name).deprecated
            if deprecated is not None:
                instead = f", use {deprecated.replaced_by}" if deprecated.replaced_by else ""
                message = f"{name} is deprecated since {deprecated.since}{instead}"
                single = isinstance(route.value.accepts, str)
                at = ("accepts",) if single else ("accepts", index)
                yield route.document.problem(message, at)


def _did_you_mean(name: str, known: set[str]) -> str:
    near = get_close_matches(name[:80], known, n=1)
    return f"did you mean {near[0]!r}?" if near else ""


def by_place(problem: Problem) -> tuple[str, int, str]:
    """Return what sorts problems by file and line."""
    file, _, line = problem.place.rpartition(":")
    return (file, int(line), problem.message) if line.isdecimal() else (problem.place, 0, "")
