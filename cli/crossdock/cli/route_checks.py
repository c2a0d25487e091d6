"""What can be wrong with a route once its file is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from crossdock.contracts import Halt, Problem, Registry
from crossdock.mesh.project.document import Path_
from crossdock.mesh.project.loading import Loaded
from crossdock.router.compiled import compile_route
from crossdock.router.loading import FOLDER
from crossdock.router.route_file import RouteFile


def check_routes(
    folder: Path, routes: list[Loaded[RouteFile]], registry: Registry, mesh: str
) -> Iterator[Problem]:
    """Compile every route, as the router will, and find branches that are never reached."""
    for route in routes:
        try:
            compile_route(route.value, registry, folder / FOLDER, mesh=mesh)
        except Halt as error:
            for each in error.problems:
                at = route.document.path_of(each.pointer)
                yield route.document.problem(each.message, at, each.keyword)
        yield from _never_reached(route)


def sends_to(route: Loaded[RouteFile]) -> Iterator[tuple[str, Path_]]:
    """Return each destination of a route, and where it is named."""
    for key, branches in (("send", route.value.send), ("send_all", route.value.send_all)):
        for index, branch in enumerate(branches):
            at: Path_ = (key, index, "to")
            if isinstance(branch.to, str):
                yield branch.to, at
            else:
                yield from ((name, (*at, place)) for place, name in enumerate(branch.to))


def _never_reached(route: Loaded[RouteFile]) -> Iterator[Problem]:
    for index, branch in enumerate(route.value.send[:-1]):
        if branch.when is None and not branch.else_:
            message = "never reached: the branch before it always holds; give that one a `when`"
            yield route.document.problem(message, ("send", index + 1))
            return
