"""What a new version of a contract would do to the routes of a project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from crossdock.cli.project_check import accepts
from crossdock.cli.route_checks import check_routes
from crossdock.contracts import Contract, ContractRef, Halt, Problem, Registry
from crossdock.mesh.project.loading import Loaded, load_mesh, read_named
from crossdock.router.calls.loading import read_calls
from crossdock.router.compiled import CompiledRoute, compile_route
from crossdock.router.python_steps.launching import BlockingSteps
from crossdock.router.python_steps.loading import calling_steps
from crossdock.router.route_file import RouteFile
from crossdock.router.testing import ROUTES, run_examples


class RouteImpact(msgspec.Struct, frozen=True, kw_only=True):
    """A route that would meet the new version of a contract.

    Attributes:
        route: Its name.
        accepts: Whether it would be given messages of it.
        sends: Whether it would send messages of it.
        problems: What would be wrong, each with its place: conditions and mappings that do not fit
            it, examples that fail.
    """

    route: str
    accepts: bool
    sends: bool
    problems: tuple[Problem, ...]


def route_impacts(
    folder: Path, contract: Contract, registries: tuple[Registry, Registry], unread: list[Problem]
) -> tuple[list[RouteImpact], list[str]]:
    """Return the routes that meet the version, and the names of those that accept others of it.

    Args:
        folder: The project folder.
        contract: The new version.
        registries: The contracts without it, and with it.
        unread: Gets why routes could not be read.

    Raises:
        Halt: ``mesh.yaml`` cannot be used.
    """
    mesh = load_mesh(folder)
    routes, problems = read_named(folder, ROUTES, RouteFile, "route")
    unread += problems
    with calling_steps(folder, mesh.steps) as (steps, _):
        trial = _Trial(folder, contract, registries, mesh.mesh, steps)
        found = [trial.impact(each) for each in routes]
    staying = [
        each.value.route
        for each, met in zip(routes, found, strict=True)
        if met is None and any(ref.name == contract.name for ref in _refs(each.value))
    ]
    return [each for each in found if each is not None], staying


def _refs(route: RouteFile) -> Iterator[ContractRef]:
    for text in accepts(route):
        try:
            yield ContractRef.parse(text)
        except ValueError:
            continue


class _Trial:
    """Tries routes with the contracts as they are, and with one version more."""

    def __init__(
        self,
        folder: Path,
        contract: Contract,
        registries: tuple[Registry, Registry],
        mesh: str,
        steps: BlockingSteps | None,
    ) -> None:
        self._folder = folder
        self._contract = contract
        self._before, self._after = registries
        others = [each for each in self._before if each.name != contract.name]
        self._alone = Registry([*others, contract])
        self._mesh = mesh
        self._steps = steps
        self._functions = {} if steps is None else steps.steps

    def impact(self, route: Loaded[RouteFile]) -> RouteImpact | None:
        """Return what becomes of one route, None when it does not meet the version."""
        is_given = any(
            ref.name == self._contract.name and ref.accepts(self._contract.version)
            for ref in _refs(route.value)
        )
        compiled = self._compiled(route, self._after)
        sends = compiled is not None and _sends(compiled, self._contract)
        if not is_given and not sends:
            return None
        known = {*self._checked(route, self._before), *self._tried(route, self._before)}
        # Checked as if there were no other version: a field that only others have is missing here.
        found = [*self._checked(route, self._alone), *self._tried(route, self._after)]
        problems = [each for each in found if each not in known]
        return RouteImpact(
            route=route.value.route,
            accepts=is_given,
            sends=sends,
            problems=tuple(dict.fromkeys(problems)),
        )

    def _checked(self, route: Loaded[RouteFile], registry: Registry) -> tuple[Problem, ...]:
        calls, _ = read_calls(self._folder, registry)
        found = check_routes(self._folder, [route], registry, self._mesh, calls, self._functions)
        return found.problems

    def _tried(self, route: Loaded[RouteFile], registry: Registry) -> Iterator[Problem]:
        calls, _ = read_calls(self._folder, registry)
        compiled = self._compiled(route, registry)
        if compiled is None:
            return
        examples = route.value.examples
        for each in run_examples(compiled, examples, registry, self._folder, calls, self._steps):
            for problem in each.problems:
                place = route.document.place(("examples", each.example))
                message = f"example {each.given}: {problem.message}"
                yield msgspec.structs.replace(problem, message=message, place=place)

    def _compiled(self, route: Loaded[RouteFile], registry: Registry) -> CompiledRoute | None:
        calls, _ = read_calls(self._folder, registry)
        folder = self._folder / ROUTES
        try:
            return compile_route(
                route.value,
                registry,
                folder,
                mesh=self._mesh,
                calls=calls,
                functions=self._functions,
            )
        except Halt:
            return None


def _sends(route: CompiledRoute, contract: Contract) -> bool:
    return any(
        branch.contract is not None and branch.contract.dataschema == contract.dataschema
        for branch in route.branches
    )
