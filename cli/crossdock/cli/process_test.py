"""``crossdock process test``: runs the examples of processes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.cli.options import JsonOption

if TYPE_CHECKING:
    from crossdock.router.coverage import Coverage
    from crossdock.router.testing import Tested


def run_tests(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="The project folder.", exists=True, file_okay=False),
    ] = Path(),
    *,
    process: Annotated[
        str | None, typer.Option(help="Only this process.", show_default=False)
    ] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Show for each process what no example has shown.")
    ] = False,
    least: Annotated[
        float | None,
        typer.Option(
            "--min",
            min=0,
            max=100,
            metavar="PERCENT",
            help="Fail when less of the ways is covered.",
            show_default=False,
        ),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the results there, as JUnit XML.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Run the examples of every process, in virtual time, and tell how much of it they cover.

    An example says what happens to one instance: messages that come, time that passes, a person who
    cancels; and what is sent then, and the state. Covered are the messages that states take, times
    that are up, and commands that are taken back.

    Exits 1 when an example fails or --min is not reached, 2 when the project is wrong.
    """
    from crossdock.cli.console import complain
    from crossdock.cli.examples_report import PROCESS, report, write_results
    from crossdock.contracts import Halt

    try:
        results, covered = _run(folder, process)
        if junit is not None:
            write_results(PROCESS, results, junit)
    except Halt as error:
        complain(error.reason, error.problems)
        raise typer.Exit(2) from error
    report(PROCESS, results, covered, least=least, with_table=coverage, json=json)


def _run(folder: Path, only: str | None) -> tuple[list[Tested], list[Coverage]]:
    from crossdock.contracts import Halt
    from crossdock.mesh.project.contract_files import load_contracts
    from crossdock.mesh.project.loading import load_mesh
    from crossdock.router.processes.loading import load_processes
    from crossdock.router.processes.testing import run_process_examples

    registry = load_contracts(folder)
    processes = load_processes(folder, load_mesh(folder), registry, ())
    if only is not None and only not in processes:
        raise Halt(f"no process {only[:80]!r}: there is {', '.join(processes) or 'none'}")
    results: list[Tested] = []
    covered: list[Coverage] = []
    for name, each in processes.items():
        if only in (None, name):
            found, coverage = run_process_examples(
                each.compiled, each.file.examples, registry, folder
            )
            results += found
            covered.append(coverage)
    return results, covered
