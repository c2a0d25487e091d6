"""``crossdock route test``: runs the examples of routes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.cli.options import JsonOption

if TYPE_CHECKING:
    from crossdock.router.coverage import Coverage
    from crossdock.router.route_file import RouteFile
    from crossdock.router.testing import Tested


def run_tests(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="The project folder.", exists=True, file_okay=False),
    ] = Path(),
    *,
    route: Annotated[str | None, typer.Option(help="Only this route.", show_default=False)] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Show for each route what no example has shown.")
    ] = False,
    least: Annotated[
        float | None,
        typer.Option(
            "--min",
            min=0,
            max=100,
            metavar="PERCENT",
            help="Fail when less of the branches is covered.",
            show_default=False,
        ),
    ] = None,
    junit: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the results there, as JUnit XML."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Run the examples of every route, and tell how much of its branches they cover.

    An example says what is given (an example of the contract, or a .json file in routes/) and what
    is expected: nothing, rejected, the destinations, or destinations with the .json files that hold
    what each gets. Each condition is covered when one example has it hold and one has it not hold.

    Exits 1 when an example fails or --min is not reached, 2 when the project is wrong.
    """
    from crossdock.cli.console import complain
    from crossdock.cli.examples_report import ROUTE, report, write_results
    from crossdock.contracts import Halt

    try:
        results, covered = _run(folder, route)
        if junit is not None:
            write_results(ROUTE, results, junit)
    except Halt as error:
        complain(error.reason, error.problems)
        raise typer.Exit(2) from error
    report(ROUTE, results, covered, least=least, with_table=coverage, json=json)


def _run(folder: Path, only: str | None) -> tuple[list[Tested], list[Coverage]]:
    from crossdock.contracts import Halt, Problem
    from crossdock.mesh.project.contract_files import load_contracts
    from crossdock.mesh.project.loading import load_mesh, load_named
    from crossdock.router.calls.loading import load_calls
    from crossdock.router.compiled import compile_route
    from crossdock.router.coverage import coverage_of
    from crossdock.router.python_steps.loading import calling_steps
    from crossdock.router.route_file import RouteFile
    from crossdock.router.testing import ROUTES, run_examples

    mesh = load_mesh(folder)
    registry = load_contracts(folder)
    calls = load_calls(folder, registry)
    results: list[Tested] = []
    covered: list[Coverage] = []
    problems: list[Problem] = []
    with calling_steps(folder, mesh.steps) as (steps, _):
        for file in _chosen(load_named(folder, ROUTES, RouteFile, "route"), only):
            try:
                route = compile_route(
                    file,
                    registry,
                    folder / ROUTES,
                    mesh=mesh.mesh,
                    calls=calls,
                    functions=steps.steps if steps else {},
                )
            except Halt as error:
                problems += error.problems
                continue
            found = run_examples(route, file.examples, registry, folder, calls, steps)
            results += found
            covered.append(coverage_of(route, found))
    if problems:
        raise Halt.of("the routes cannot be used", problems)
    return results, covered


def _chosen(files: Sequence[RouteFile], only: str | None) -> Sequence[RouteFile]:
    from crossdock.contracts import Halt

    if only is None:
        return files
    found = [each for each in files if each.route == only]
    if not found:
        there = ", ".join(each.route for each in files) or "none"
        raise Halt(f"no route {only[:80]!r}: there is {there}")
    return found
