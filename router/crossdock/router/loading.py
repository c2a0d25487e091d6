"""What the router needs of a project folder, read and compiled."""

from __future__ import annotations

from pathlib import Path

import msgspec

from crossdock.contracts import Halt, Problem, Registry
from crossdock.mesh.project.contract_files import load_contracts
from crossdock.mesh.project.loading import load_mesh, load_named
from crossdock.mesh.project.settings import MeshFile, Policy
from crossdock.router.calls.loading import LoadedCall, load_calls
from crossdock.router.compiled import CompiledRoute, compile_route
from crossdock.router.processes.loading import LoadedProcess, load_processes
from crossdock.router.python_steps.loading import Functions, load_functions
from crossdock.router.revision import Revision, revision_of
from crossdock.router.route_file import RouteFile
from crossdock.router.step_file import called, functions

FOLDER = "routes"


class LoadedRoute(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A route that is ready to run; equal to another when all that it was made of is equal.

    Attributes:
        file: As written.
        texts: Its expressions, also those in files beside it.
        registry: The contracts that it was compiled with.
        policy: Its failure policy.
        calls: What it may call.
        functions: The Python steps, when it uses any.
        compiled: The route itself.
        revision: What records call this state of it.
    """

    file: RouteFile
    texts: tuple[str, ...]
    registry: Registry
    policy: Policy
    calls: tuple[LoadedCall, ...]
    functions: Functions | None
    compiled: CompiledRoute
    revision: Revision

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, LoadedRoute)
            and (
                (self.file, self.texts, self.policy, self.calls, self.functions, self.registry)
                == (
                    other.file,
                    other.texts,
                    other.policy,
                    other.calls,
                    other.functions,
                    other.registry,
                )
            )
        )

    __hash__ = None  # type: ignore[assignment] # equal by value, but its registry is not hashable


class RouterProject(msgspec.Struct, frozen=True, kw_only=True):
    """What the router runs.

    Attributes:
        mesh: ``mesh.yaml``.
        folder: The project folder.
        functions: The Python steps.
        registry: The contracts.
        routes: By name.
        processes: By name.
    """

    mesh: MeshFile
    folder: Path
    functions: Functions
    registry: Registry
    routes: dict[str, LoadedRoute]
    processes: dict[str, LoadedProcess] = {}


class Outside(msgspec.Struct, frozen=True):
    """What routes may ask.

    Attributes:
        calls: Other systems, by name of the call.
        functions: Python steps.
    """

    calls: dict[str, LoadedCall]
    functions: Functions


def load_router(folder: Path, before: RouterProject | None = None) -> RouterProject:
    """Read and compile every route and process.

    Args:
        folder: The project folder.
        before: What was read before: its parts are used again where they are equal, so that a
            thousand routes are not kept twice because one of them was changed.

    Raises:
        Halt: With every problem that was found.
    """
    mesh = load_mesh(folder)
    registry = load_contracts(folder)
    if before is not None and registry == before.registry:
        registry = before.registry
    outside = Outside(load_calls(folder, registry), load_functions(folder, mesh.steps))
    problems: list[Problem] = []
    routes: dict[str, LoadedRoute] = {}
    for file in load_named(folder, FOLDER, RouteFile, "route"):
        try:
            route = _load(folder, mesh, outside, registry, file)
            earlier = None if before is None else before.routes.get(file.route)
            routes[file.route] = earlier if earlier is not None and earlier == route else route
        except Halt as error:
            place = f"{FOLDER}/{file.route}.yaml"
            found = error.problems or (Problem(message=error.reason),)
            problems += [
                each if each.place else msgspec.structs.replace(each, place=place) for each in found
            ]
    if problems:
        raise Halt.of("the routes cannot be used", problems)
    processes = load_processes(folder, mesh, registry, routes)
    return RouterProject(
        mesh=mesh,
        folder=folder,
        functions=outside.functions,
        registry=registry,
        routes=routes,
        processes=processes,
    )


def _load(
    folder: Path,
    mesh: MeshFile,
    outside: Outside,
    registry: Registry,
    file: RouteFile,
) -> LoadedRoute:
    try:
        policy = mesh.policy(file.on_failure)
    except KeyError:
        raise Halt(f"on_failure: mesh.yaml has no policy {file.on_failure[:80]!r}") from None
    compiled = compile_route(
        file,
        registry,
        folder / FOLDER,
        mesh=mesh.mesh,
        calls=outside.calls,
        functions=outside.functions.steps,
    )
    return LoadedRoute(
        file=file,
        texts=compiled.texts,
        registry=registry,
        policy=policy,
        calls=tuple(outside.calls[name] for name in sorted(set(called(file.steps)))),
        functions=outside.functions if any(functions(file.steps)) else None,
        compiled=compiled,
        revision=revision_of(file, folder / FOLDER, compiled, outside.functions.steps),
    )
