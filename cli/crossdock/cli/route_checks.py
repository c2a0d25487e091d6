"""What can be wrong with the routes of a project once their files are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from crossdock.contracts import Contract, Halt, Problem, Registry, is_token
from crossdock.mesh.project.contract_folders import EXAMPLES
from crossdock.mesh.project.contract_folders import FOLDER as CONTRACTS
from crossdock.mesh.project.document import Document, Path_, read_bytes
from crossdock.mesh.project.loading import Loaded
from crossdock.mesh.project.problems import ProjectError
from crossdock.router.calls.loading import LoadedCall
from crossdock.router.checking.placing import placed
from crossdock.router.checking.route import check_route
from crossdock.router.compiled import compile_route
from crossdock.router.loading import FOLDER
from crossdock.router.python_steps.frames import Described
from crossdock.router.route_file import Computed, RouteFile, destinations_of
from crossdock.router.step_file import Step
from crossdock.workers.loading import FOLDER as WORKERS

_MAX_EXAMPLE = 64 * 1024
_MAX_EXAMPLES = 20


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of routes found.

    Attributes:
        problems: What must be changed; ``keyword`` is the code.
        warnings: What is probably not meant.
    """

    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def check_routes(
    folder: Path,
    routes: Sequence[Loaded[RouteFile]],
    registry: Registry,
    mesh: str,
    calls: Mapping[str, LoadedCall],
    functions: Mapping[str, Described],
) -> Checked:
    """Compile every route, as the router will, and check its types against its contracts.

    Args:
        folder: The project folder.
        routes: The routes.
        registry: The contracts.
        mesh: Name of the mesh.
        calls: The calls of the project.
        functions: Its Python steps.
    """
    problems: list[Problem] = []
    warnings: list[Problem] = []
    answers = {name: each.answers for name, each in calls.items()}
    for route in routes:
        try:
            compiled = compile_route(
                route.value,
                registry,
                folder / FOLDER,
                mesh=mesh,
                calls=calls,
                functions=functions,
            )
        except Halt as error:
            problems += [_located(each, route.document) for each in error.problems]
            continue
        for told in check_route(compiled, lambda contract: _examples(folder, contract), answers):
            found = warnings if told.finding.warning else problems
            found.append(placed(told, compiled, route.document, FOLDER))
    return Checked(problems=tuple(dict.fromkeys(problems)), warnings=tuple(dict.fromkeys(warnings)))


def dangling(routes: Sequence[Loaded[RouteFile]], destinations: set[str]) -> Iterator[Problem]:
    """Find destinations that no worker consumes.

    Args:
        routes: The routes.
        destinations: Those that are consumed.
    """
    for route in routes:
        yield from not_consumed(route.document, sends_to(route), destinations)


def not_consumed(
    document: Document, sends: Iterable[tuple[str, Path_]], destinations: set[str]
) -> Iterator[Problem]:
    """Find destinations of a file that no worker consumes.

    Args:
        document: The file.
        sends: Each destination, and where it is named.
        destinations: Those that are consumed.
    """
    for name, at in sends:
        if is_token(name) and name not in destinations:
            near = get_close_matches(name[:80], destinations, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"add {WORKERS}/{name}.yaml"
            message = f"no worker consumes {name!r}; {hint}"
            yield document.problem(message, at, "dangling-destination")


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


def _located(problem: Problem, document: Document) -> Problem:
    at = document.path_of(problem.pointer)
    return document.problem(problem.message, at, problem.keyword or "invalid-route")


def _examples(folder: Path, contract: Contract) -> tuple[Any, ...]:
    """Return the examples of a contract that can be read; that they are right is checked before."""
    domain, _, event = contract.name.partition(".")
    place = folder / CONTRACTS / domain / event / EXAMPLES
    files = sorted((*place.glob("*.json"), *(place / contract.version).glob("*.json")))
    found = []
    for file in files[:_MAX_EXAMPLES]:
        if not file.name.endswith(".invalid.json"):
            try:
                name = file.relative_to(folder).as_posix()
                found.append(msgspec.json.decode(read_bytes(folder, name, _MAX_EXAMPLE)))
            except (ProjectError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
    return tuple(found)
