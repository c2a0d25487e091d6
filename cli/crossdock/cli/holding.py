"""What the revision that holds wants of the mesh: read, but nothing of it run or compiled."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from crossdock.cli.process_checks import takes
from crossdock.contracts import ContractRef, Halt
from crossdock.mesh.bus import Bus
from crossdock.mesh.dead_letters import redrive_subject
from crossdock.mesh.finding import DESTINATION_PREFIX, ROUTE_PREFIX
from crossdock.mesh.groups.room import STREAM
from crossdock.mesh.project.contract_files import ContractFile, read_contracts
from crossdock.mesh.project.loading import load_mesh, read_named
from crossdock.mesh.project.settings import MeshFile
from crossdock.mesh.registry.comparing import compare
from crossdock.mesh.registry.folders import ProjectFiles, write_files
from crossdock.mesh.registry.revision import Files, Revision
from crossdock.mesh.registry.store import RevisionStore
from crossdock.router.gathering import group_consumer
from crossdock.router.loading import FOLDER as ROUTES
from crossdock.router.processes.process_file import FOLDER as PROCESSES
from crossdock.router.processes.process_file import ProcessFile
from crossdock.router.route_file import RouteFile
from crossdock.workers.loading import FOLDER as WORKERS
from crossdock.workers.registry import find_adapter
from crossdock.workers.worker_file import WorkerFile

_CONTRACTS: Final = "contracts/"
_SHARED: Final = "contracts/definitions/"

Wanted = dict[str, tuple[str, ...]]
"""By durable consumer, the subjects that it takes."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What a revision holds, as far as its files can be read.

    Attributes:
        project: Its files.
        contracts: Its contracts, those that the other revision has differently.
        mesh: Its settings; None when they cannot be used.
        routes: Its routes.
        destinations: What its sinks consume.
        processes: Its processes.
    """

    project: ProjectFiles
    contracts: tuple[ContractFile, ...]
    mesh: MeshFile | None
    routes: tuple[RouteFile, ...]
    destinations: tuple[str, ...]
    processes: tuple[ProcessFile, ...] = ()

    def consumers(self, bus: Bus) -> dict[str, Wanted]:
        """Return by stream the durable consumers that it wants."""
        groups = [
            group_consumer(bus, each.route)
            for each in self.routes
            if each.aggregate or each.resequence or each.delay
        ]
        groups += [group_consumer(bus, each.process) for each in self.processes]
        processes = {
            f"{ROUTE_PREFIX}{each.process}": _taken_by(bus, each) for each in self.processes
        }
        routes = {f"{ROUTE_PREFIX}{each.route}": _taken(bus, each) for each in self.routes}
        return {
            "in": routes | processes,
            "out": {
                f"{DESTINATION_PREFIX}{name}": (bus.subjects.outgoing(name),)
                for name in self.destinations
            },
            STREAM: {each.durable: each.filters for each in groups},
        }


async def holding(store: RevisionStore, revision: Revision | None, other: Files) -> Held:
    """Return what a revision holds.

    Args:
        store: The registry.
        revision: The revision; None for none.
        other: Files of the one that it will be compared with.

    Raises:
        Halt: It is damaged.
        Disconnected: The broker does not answer.
    """
    files = await store.files(revision)
    contents = await store.contents(files.values())
    project = ProjectFiles(files=files, contents=contents, left_out=())
    return await asyncio.to_thread(_read, project, _of_interest(files, other))


def _of_interest(files: Files, other: Files) -> Files:
    """Leave out the contracts that are the same: there may be thousands."""
    places = {_place(each.path) for each in compare(files, other)}
    if _SHARED in places:
        return files
    return {
        path: digest
        for path, digest in files.items()
        if not path.startswith(_CONTRACTS) or path.startswith(_SHARED) or _place(path) in places
    }


def _place(path: str) -> str:
    """Return the folder of the contract that a file is of: its first three parts."""
    return _SHARED if path.startswith(_SHARED) else "/".join(path.split("/")[:3])


def _read(project: ProjectFiles, files: Files) -> Held:
    with tempfile.TemporaryDirectory(prefix="crossdock-") as place:
        folder = Path(place) / "project"
        write_files(folder, files, project.contents, {})
        routes, _ = read_named(folder, ROUTES, RouteFile, "route")
        workers, _ = read_named(folder, WORKERS, WorkerFile, "worker")
        processes, _ = read_named(folder, PROCESSES, ProcessFile, "process")
        return Held(
            project=project,
            contracts=tuple(read_contracts(folder)[0]),
            mesh=_mesh(folder),
            routes=tuple(each.value for each in routes),
            processes=tuple(each.value for each in processes),
            destinations=tuple(each.value.destination for each in workers if _is_sink(each.value)),
        )


def _mesh(folder: Path) -> MeshFile | None:
    try:
        return load_mesh(folder)
    except Halt:
        return None


def _is_sink(worker: WorkerFile) -> bool:
    try:
        return find_adapter(worker.adapter).direction == "sink"
    except Halt:  # not installed on this machine
        return worker.publishes is None


def _taken(bus: Bus, route: RouteFile) -> tuple[str, ...]:
    accepts = (route.accepts,) if isinstance(route.accepts, str) else route.accepts
    contracts = (ContractRef.parse(each).name for each in accepts)
    return (*map(bus.subjects.incoming, contracts), redrive_subject(bus, route.route))


def _taken_by(bus: Bus, process: ProcessFile) -> tuple[str, ...]:
    contracts = map(bus.subjects.incoming, sorted(takes(process)))
    return (*contracts, redrive_subject(bus, process.process))
