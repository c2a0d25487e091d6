"""Finds routes that feed each other: what one sends comes in again, and goes round."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from crossdock.cli.route_checks import Checked, sends_to
from crossdock.cli.worker_checks import CheckedWorker
from crossdock.contracts import ContractRef, Problem
from crossdock.gateway.api_file import ApiFile
from crossdock.gateway.ingress import MESSAGES
from crossdock.mesh.project.conversion import scalar
from crossdock.mesh.project.document import Path_
from crossdock.mesh.project.loading import Loaded
from crossdock.mesh.project.settings import MeshFile
from crossdock.router.route_file import Computed, RouteFile
from crossdock.router.step_file import Step
from crossdock.workers.adapter import Place

_ENDING: Final = frozenset({"where", "once", "python", "split"})
_PARAMETER: Final = re.compile(r"\\\{[^}]*\\\}")


class _Door(msgspec.Struct, frozen=True):
    """Where messages come in.

    Attributes:
        place: What is read there.
        contract: Name of the contract that it is published as.
        file: The file that says so, for a person.
    """

    place: Place
    contract: str
    file: str


def check_loops(
    routes: Sequence[Loaded[RouteFile]],
    workers: Sequence[CheckedWorker],
    apis: Sequence[Loaded[ApiFile]],
    mesh: MeshFile | None,
) -> Checked:
    """Find routes that feed each other for ever.

    Where no condition can end it, it is a problem; else a warning.

    Args:
        routes: The routes.
        workers: The workers: what a sink writes a source may read.
        apis: Paths of the gateway.
        mesh: ``mesh.yaml``, for where the gateway is; None when that is not known.
    """
    returns = _returns(workers, [*_sources(workers), *_gateway(apis, mesh)])
    problems: list[Problem] = []
    warnings: list[Problem] = []
    for way in _rounds({each.value.route: list(_ways(each, routes, returns)) for each in routes}):
        found = problems if all(_is_plain(each.route.value) for each in way) else warnings
        found.append(_told(way, is_sure=found is problems))
    return Checked(problems=tuple(problems), warnings=tuple(warnings))


def _sources(workers: Sequence[CheckedWorker]) -> Iterator[_Door]:
    for each in workers:
        publishes = each.loaded.value.publishes
        if each.is_source and publishes is not None:
            name = ContractRef.parse(publishes).name
            file = each.loaded.document.file
            yield from (_Door(place, name, file) for place in _places(each))


def _gateway(apis: Sequence[Loaded[ApiFile]], mesh: MeshFile | None) -> Iterator[_Door]:
    if mesh is None:
        return
    gateway = f"http://{mesh.gateway.listen.replace('localhost', '127.0.0.1')}"
    for api in apis:
        path = _PARAMETER.sub("[^/]+", re.escape(api.value.path))
        name = ContractRef.parse(api.value.publishes).name
        yield _Door(Place(gateway, path), name, api.document.file)
    yield _Door(Place(gateway, f"{MESSAGES}(?P<name>[^/@]+)(@.*)?"), "", "the gateway")


class _Way(msgspec.Struct, frozen=True, eq=False):
    """One step of a round: a route, where it sends, and what that becomes."""

    route: Loaded[RouteFile]
    at: Path_
    destination: str
    door: _Door
    contract: str
    to: str


def _returns(
    workers: Sequence[CheckedWorker], doors: Sequence[_Door]
) -> dict[str, list[tuple[_Door, str]]]:
    """Return for each destination the doors by which it comes in again, and as which contract."""
    found: dict[str, list[tuple[_Door, str]]] = {}
    for each in workers:
        for place in _places(each) if each.is_sink else ():
            for door in doors:
                match = re.fullmatch(door.place.name, place.name)
                if match and door.place.system == place.system:
                    name = door.contract or match["name"]
                    found.setdefault(each.loaded.value.destination, []).append((door, name))
        for answered in _answers(each):
            found.setdefault(each.loaded.value.destination, []).append(answered)
    return found


def _answers(worker: CheckedWorker) -> Iterator[tuple[_Door, str]]:
    """Return as what the answers of a sink's system come in."""
    value, file = worker.loaded.value, worker.loaded.document.file
    if worker.is_sink and value.reply is not None:
        name = ContractRef.parse(value.reply.as_).name
        yield _Door(Place("reply", value.destination), name, f"the `reply` of {file}"), name


def _ways(
    route: Loaded[RouteFile],
    routes: Sequence[Loaded[RouteFile]],
    returns: dict[str, list[tuple[_Door, str]]],
) -> Iterator[_Way]:
    for destination, at in sends_to(route):
        for door, contract in returns.get(destination, ()):
            for other in routes:
                written = other.value.accepts
                texts = (written,) if isinstance(written, str) else written
                if contract in [each.partition("@")[0] for each in texts]:
                    yield _Way(route, at, destination, door, contract, other.value.route)


def _rounds(ways: dict[str, list[_Way]]) -> Iterator[list[_Way]]:
    """Return each round once: from the first of its routes by name, over others behind it."""
    for start in sorted(ways):
        waiting = [[way] for way in reversed(ways[start])]
        while waiting:
            path = waiting.pop()
            end = path[-1].to
            if end == start:
                yield path
            elif end > start and end not in {each.route.value.route for each in path}:
                waiting += [[*path, way] for way in ways[end]]


def _places(worker: CheckedWorker) -> tuple[Place, ...]:
    if worker.adapter is None:
        return ()
    try:
        settings = msgspec.convert(
            worker.loaded.value.settings, worker.adapter.settings, dec_hook=scalar
        )
    except msgspec.ValidationError:
        return ()  # told where settings are checked
    return worker.adapter.places(settings)


def _is_plain(route: RouteFile) -> bool:
    """Tell whether every message goes to every destination."""
    branches = (*route.send, *route.send_all)
    chooses = any(each.when is not None or isinstance(each.to, Computed) for each in branches)
    gathers = route.aggregate is not None
    return not (route.where or chooses or gathers or any(map(_may_end, route.steps)))


def _may_end(step: Step) -> bool:
    """Tell whether a step may let nothing of a message go on."""
    return step.pattern in _ENDING and step.join is None  # joined, the whole goes on


def _told(way: list[_Way], *, is_sure: bool) -> Problem:
    first = way[0]
    round_ = ", ".join(
        f"{each.destination!r} comes in again by {each.door.file} as {each.contract}, which "
        f"{'this route' if each.to == first.route.value.route else each.to} accepts"
        for each in way
    )
    end = "send it elsewhere" if is_sure else "be sure that a condition ends it"
    message = f"goes round for ever: {round_}: {end}"
    if not is_sure:
        message = message.replace("goes round for ever", "may go round for ever", 1)
    return first.route.document.problem(message, first.at, "route-loop")
