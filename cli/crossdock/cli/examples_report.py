"""What ``route test`` and ``process test`` tell of the examples that they have run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from crossdock.cli.console import complain, say, say_json
from crossdock.cli.junit import write_junit
from crossdock.contracts import Halt
from crossdock.router.coverage import Coverage, percent
from crossdock.router.testing import Tested


class Kind(msgspec.Struct, frozen=True):
    """What is tested.

    Attributes:
        name: What one of them is called.
        folder: Where their files are.
        parts: What an example covers some of.
    """

    name: str
    folder: str
    parts: str


ROUTE: Final = Kind("route", "routes", "branches")
PROCESS: Final = Kind("process", "processes", "ways")


def write_results(kind: Kind, results: list[Tested], file: Path) -> None:
    """Write a JUnit XML file.

    Raises:
        Halt: It cannot be written.
    """
    try:
        write_junit(results, file, folder=kind.folder)
    except OSError as error:
        raise Halt(f"{file} cannot be written: {(error.strerror or 'error').lower()}") from error


def report(
    kind: Kind,
    results: list[Tested],
    covered: list[Coverage],
    *,
    least: float | None,
    with_table: bool,
    json: bool,
) -> None:
    """Tell what came of the examples.

    Args:
        kind: What was tested.
        results: One for each example.
        covered: One for each file.
        least: Per cent that have to be covered; None for any.
        with_table: Whether what is not covered is shown.
        json: Whether it is told to a program.

    Raises:
        typer.Exit: With 1 when an example failed or less is covered, else with 0.
    """
    failed, share = sum(1 for each in results if each.problems), percent(covered)
    if json:
        counts = {"passed": len(results) - failed, "failed": failed, "covered": share}
        say_json({**counts, "examples": results, "coverage": covered})
    else:
        _show(kind, results)
        if with_table:
            Console().print(_table(kind, covered))
        passed = f"{len(results) - failed} passed, {failed} failed"
        say(f"{passed}, {share:g} % of {kind.parts} covered")
    if least is not None and share < least:
        complain(f"{share:g} % of the {kind.parts} are covered, and --min asks for {least:g} %")
        failed += 1
    raise typer.Exit(1 if failed else 0)


def _show(kind: Kind, results: Sequence[Tested]) -> None:
    for each in results:
        verdict = "FAIL" if each.problems else "ok"
        file = f"{kind.folder}/{each.route}.yaml"
        say(f"{verdict:4} {file} example {each.example + 1}: {each.given}")
        for problem in each.problems:
            say(f"     {problem}")


def _table(kind: Kind, covered: Sequence[Coverage]) -> Table:
    table = Table(kind.name, "covered", "never shown by an example")
    for each in covered:
        table.add_row(each.route, f"{percent([each]):g} %", "\n".join(each.missed))
    return table
