"""``crossdock route``: what a business integrator does with routes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.cli.options import JsonOption

if TYPE_CHECKING:
    from crossdock.router.testing import Tested

app = typer.Typer(help="Test routes.", no_args_is_help=True)

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="The project folder.", exists=True, file_okay=False)
]


@app.callback()
def routes() -> None:
    """Test routes."""


@app.command("test")
def run_tests(folder: FolderArgument, *, json: JsonOption = False) -> None:
    """Run the examples of every route. Exits 1 when one fails, 2 when the project is wrong.

    An example says what is given (an example of the contract, or a .json file in routes/) and what
    is expected: nothing, rejected, the destinations, or destinations with the .json files that hold
    what each gets.
    """
    from crossdock.cli.console import complain, say_json
    from crossdock.contracts import Halt

    try:
        results = _run_all(folder)
    except Halt as error:
        complain(error.reason, error.problems)
        raise typer.Exit(2) from error
    failed = [each for each in results if each.problems]
    if json:
        say_json({"passed": len(results) - len(failed), "failed": len(failed), "examples": results})
    else:
        _show(results)
    raise typer.Exit(1 if failed else 0)


def _run_all(folder: Path) -> list[Tested]:
    from crossdock.contracts import Halt, Problem
    from crossdock.mesh.project.contract_files import load_contracts
    from crossdock.mesh.project.loading import load_mesh, load_named
    from crossdock.router.calls.loading import load_calls
    from crossdock.router.compiled import compile_route
    from crossdock.router.route_file import RouteFile
    from crossdock.router.testing import ROUTES, run_examples

    mesh = load_mesh(folder)
    registry = load_contracts(folder)
    calls = load_calls(folder, registry)
    results: list[Tested] = []
    problems: list[Problem] = []
    for file in load_named(folder, ROUTES, RouteFile, "route"):
        try:
            route = compile_route(file, registry, folder / ROUTES, mesh=mesh.mesh, calls=calls)
        except Halt as error:
            problems += error.problems
        else:
            results += run_examples(route, file.examples, registry, folder, calls)
    if problems:
        raise Halt.of("the routes cannot be used", problems)
    return results


def _show(results: list[Tested]) -> None:
    from crossdock.cli.console import say

    for each in results:
        verdict = "FAIL" if each.problems else "ok"
        say(f"{verdict:4} routes/{each.route}.yaml example {each.example + 1}: {each.given}")
        for problem in each.problems:
            say(f"     {problem}")
    failed = sum(1 for each in results if each.problems)
    say(f"{len(results) - failed} passed, {failed} failed")
