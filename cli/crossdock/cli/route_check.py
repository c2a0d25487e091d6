"""``crossdock route check``: the type check of routes against contracts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crossdock.cli.options import JsonOption


def check_types(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="The project folder.", exists=True, file_okay=False),
    ] = Path(),
    *,
    json: JsonOption = False,
) -> None:
    """Check the types of every route: what its expressions read, compare and make.

    Finds fields that no accepted contract has, comparisons of unlike types, values of an enum that
    no branch takes, branches that are never reached, mappings that cannot keep the contract of what
    they make, and destinations that no worker consumes. What cannot be decided from the types is
    tried with the examples of the contract and variations of them. Starts nothing.

    Exits 1 when there is a problem; a warning is none.
    """
    from crossdock.cli.console import complain, say, say_json
    from crossdock.cli.project_check import inspect_project
    from crossdock.cli.told import counted, say_problems
    from crossdock.router.loading import FOLDER

    findings = inspect_project(folder)
    problems = [each for each in findings.problems if each.place.startswith(f"{FOLDER}/")]
    warnings = [each for each in findings.warnings if each.place.startswith(f"{FOLDER}/")]
    if json:
        say_json({"ok": not problems, "problems": problems, "warnings": warnings})
    else:
        say_problems(problems, warnings)
        if problems:
            complain(counted(problems))
        else:
            count = len(findings.routes)
            say(
                f"{count} routes fit their contracts"
                if count != 1
                else "1 route fits its contracts"
            )
    if problems:
        raise typer.Exit(1)
