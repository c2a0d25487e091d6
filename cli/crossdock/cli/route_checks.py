"""What can be wrong with a route once its file is read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from crossdock.contracts import Halt, Problem, Registry
from crossdock.mesh.project.document import Path_
from crossdock.mesh.project.loading import Loaded
from crossdock.router.compiled import compile_route
from crossdock.router.loading import FOLDER
from crossdock.router.route_checks import check_route
from crossdock.router.route_file import Computed, RouteFile, destinations_of
from crossdock.router.step_file import Step


def check_routes(
    folder: Path,
    routes: list[Loaded[RouteFile]],
    registry: Registry,
    mesh: str,
    calls: Collection[str],
) -> Iterator[Problem]:
    """Compile every route, as the router will, and check what it means."""
    for route in routes:
        found: Sequence[Problem]
        try:
            compiled = compile_route(route.value, registry, folder / FOLDER, mesh=mesh, calls=calls)
            found = check_route(compiled)
        except Halt as error:
            found = error.problems
        for each in found:
            at = route.document.path_of(each.pointer)
            yield route.document.problem(each.message, at, each.keyword)


def sends_to(route: Loaded[RouteFile]) -> Iterator[tuple[str, Path_]]:
    """Return each destination of a route, and where it is named."""
    yield from _taps(route.value.steps, ("steps",))
    for key, branches in (("send", route.value.send), ("send_all", route.value.send_all)):
        for index, branch in enumerate(branches):
            at: Path_ = (key, index, "to")
            if isinstance(branch.to, str):
                yield branch.to, at
                continue
            if isinstance(branch.to, Computed):
                at = (*at, "among")
            yield from ((name, (*at, place)) for place, name in enumerate(destinations_of(branch)))


def _taps(steps: tuple[Step, ...], path: Path_) -> Iterator[tuple[str, Path_]]:
    for index, step in enumerate(steps):
        if step.tap is not None:
            yield step.tap, (*path, index, "tap")
        yield from _taps(step.steps, (*path, index, "steps"))
