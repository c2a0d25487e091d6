"""What a project's mesh is, as one value: filled here, because only here all of it is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from crossdock.cli.process_checks import awaited
from crossdock.contracts import Halt, Registry
from crossdock.contracts.slips import NEXT
from crossdock.gateway.api_file import FOLDER as APIS
from crossdock.gateway.api_file import ApiFile
from crossdock.gateway.client_file import load_clients
from crossdock.mesh.catalogue.description import (
    Caller,
    DescribedApi,
    DescribedRoute,
    DescribedWorker,
    MeshDescription,
    Sent,
)
from crossdock.mesh.project.contract_files import load_contracts
from crossdock.mesh.project.examples import describe_contracts
from crossdock.mesh.project.loading import load_mesh, read_named
from crossdock.mesh.project.problems import ProjectError
from crossdock.mesh.project.settings import MeshFile
from crossdock.router.processes.process_file import FOLDER as PROCESSES
from crossdock.router.processes.process_file import ProcessFile
from crossdock.router.route_file import RouteFile, destinations_of
from crossdock.router.step_file import Step
from crossdock.workers.worker_file import WorkerFile


def describe_project(folder: Path) -> MeshDescription:
    """Return the description of a project.

    Raises:
        Halt: With every problem of every file.
    """
    _, route_problems = read_named(folder, "routes", RouteFile, "route")
    _, worker_problems = read_named(folder, "workers", WorkerFile, "worker")
    _, api_problems = read_named(folder, APIS, ApiFile, "api")
    _, process_problems = read_named(folder, PROCESSES, ProcessFile, "process")
    if problems := [*route_problems, *worker_problems, *api_problems, *process_problems]:
        raise Halt.of("the project cannot be described", problems)
    return describe(folder, load_mesh(folder), load_contracts(folder))


def describe(folder: Path, mesh: MeshFile, registry: Registry) -> MeshDescription:
    """Return the description of a project whose contracts are loaded.

    Args:
        folder: The project folder; what cannot be read of its routes, workers and
            clients is left out.
        mesh: Its ``mesh.yaml``.
        registry: The contracts.
    """
    routes, _ = read_named(folder, "routes", RouteFile, "route")
    workers, _ = read_named(folder, "workers", WorkerFile, "worker")
    apis, _ = read_named(folder, APIS, ApiFile, "api")
    processes, _ = read_named(folder, PROCESSES, ProcessFile, "process")
    return MeshDescription(
        mesh=mesh.mesh,
        description=mesh.description,
        contracts=describe_contracts(folder, registry),
        routes=(
            *(_route(each.value) for each in routes),
            *(_process(each.value) for each in processes),
        ),
        workers=tuple(_worker(each.value) for each in workers),
        apis=tuple(_api(each.value) for each in apis),
        callers=_callers(folder, registry),
    )


def _api(api: ApiFile) -> DescribedApi:
    return DescribedApi(
        name=api.api,
        method=api.method,
        path=api.path,
        publishes=api.publishes,
        description=api.description,
        maps=api.map is not None,
        replies=None if api.reply is None else api.reply.contract,
    )


def _callers(folder: Path, registry: Registry) -> tuple[Caller, ...]:
    try:
        clients = load_clients(folder)
    except ProjectError:
        return ()
    return tuple(
        Caller(each.name, frozenset(name for name in registry.names() if each.may_send(name)))
        for each in clients
        if not each.revoked
    )


def _route(route: RouteFile) -> DescribedRoute:
    branches = (*route.send, *route.send_all)
    sent = [
        Sent(name, each.as_) for each in branches for name in destinations_of(each) if name != NEXT
    ]
    return DescribedRoute(
        name=route.route,
        description=route.description,
        accepts=(route.accepts,) if isinstance(route.accepts, str) else route.accepts,
        sends=tuple(dict.fromkeys([*sent, *map(Sent, _taps(route.steps))])),
    )


def _process(process: ProcessFile) -> DescribedRoute:
    """A process takes and makes messages as a route does."""
    commands = [send for state in process.states.values() for send in state.enter]
    sent = [Sent(each.send, each.as_) for each in commands]
    sent += [Sent(each.undo.send, each.undo.as_) for each in commands if each.undo is not None]
    return DescribedRoute(
        name=process.process,
        description=process.description,
        accepts=tuple(dict.fromkeys(text for text, _ in awaited(process))),
        sends=tuple(dict.fromkeys(sent)),
    )


def _taps(steps: tuple[Step, ...]) -> Iterator[str]:
    for step in steps:
        if step.tap is not None:
            yield step.tap
        yield from _taps(step.steps)


def _worker(worker: WorkerFile) -> DescribedWorker:
    return DescribedWorker(
        name=worker.worker,
        description=worker.description,
        adapter=worker.adapter,
        publishes=worker.publishes,
        destination="" if worker.publishes else worker.destination,
        replies=None if worker.reply is None else worker.reply.as_,
    )
