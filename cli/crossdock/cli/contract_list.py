"""``crossdock contract list``."""

from __future__ import annotations

from pathlib import Path

import typer

from crossdock.cli.options import JsonOption, ProjectOption


def list_contracts(*, project: ProjectOption = Path(), json: JsonOption = False) -> None:
    """List the contracts of a project with their versions. Exits 2 when one cannot be read."""
    from crossdock.cli.console import complain, say, say_json
    from crossdock.contracts import Halt
    from crossdock.mesh.project.contract_files import load_contracts

    try:
        registry = load_contracts(project)
    except Halt as error:
        complain(error.reason, error.problems)
        raise typer.Exit(2) from error
    rows = [{"name": name, "versions": registry.versions(name)} for name in registry.names()]
    if json:
        say_json(rows)
        return
    for name in registry.names():
        say(f"{name}  {', '.join(registry.versions(name))}")
