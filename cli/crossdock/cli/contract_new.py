"""``crossdock contract new``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crossdock.cli.options import JsonOption, ProjectOption


def new_contract(
    name: Annotated[str, typer.Argument(help="Its name, domain.entity.event.")],
    *,
    project: ProjectOption = Path(),
    version: Annotated[
        str | None,
        typer.Option(help="Default: 1.0.0, or the next minor one of a contract that is there."),
    ] = None,
    samples: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            help="A JSON document to make the schema from; give several. They become examples.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    owner: Annotated[str, typer.Option(help="Who answers for it: a team, an address.")] = "",
    json: JsonOption = False,
) -> None:
    """Begin a contract, or a version of one: schema, contract.yaml, examples. Overwrites nothing.

    A further version begins as a copy of the highest one. Exits with 2 when it cannot be made.
    """
    from crossdock.cli.console import complain, say, say_json
    from crossdock.cli.contract_scaffold import scaffold, write_files
    from crossdock.contracts import Halt

    try:
        made = scaffold(project, name, version, samples or (), owner)
        write_files(project, made.files)
    except ValueError as error:
        complain(str(error))
        raise typer.Exit(2) from error
    except Halt as error:
        complain("the project cannot be added to", error.problems)
        raise typer.Exit(2) from error
    if json:
        say_json({"contract": made.name, "version": made.version, "files": list(made.files)})
        return
    for file in made.files:
        say(f"wrote {file}")
    say(f"Next: say in it what holds, then crossdock contract check {made.name}")
