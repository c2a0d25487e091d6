"""``crossdock check``: everything that is wrong with a project, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from crossdock.cli.console import complain, say_json
from crossdock.cli.options import JsonOption
from crossdock.cli.process_checks import begun_by
from crossdock.cli.project_check import Findings, accepts, inspect_project
from crossdock.cli.told import counted, say_problems
from crossdock.cli.worker_checks import CheckedWorker
from crossdock.mesh.project.contract_files import read_contracts

_SHOWN: Final = 20


def check(
    folder: Annotated[
        Path, typer.Argument(help="The project folder.", exists=True, file_okay=False)
    ] = Path(),
    *,
    as_json: JsonOption = False,
) -> None:
    """Check a project: contracts with their examples, routes, workers and how they fit together.

    Starts nothing and needs no secret. Exits with 1 when there is a problem.
    """
    findings = _with_versions(folder, inspect_project(folder))
    if as_json:
        say_json(_as_json(findings))
    else:
        _print(findings)
    if findings.problems:
        raise typer.Exit(1)


def _with_versions(folder: Path, findings: Findings) -> Findings:
    """Add the versions that break what their contract promises; a running mesh may have them."""
    from crossdock.cli.version_checks import broken_versions

    broken = broken_versions(folder, read_contracts(folder)[0], findings.contracts)
    return msgspec.structs.replace(findings, problems=(*findings.problems, *broken))


def _print(findings: Findings) -> None:
    say_problems(findings.problems, findings.warnings)
    if findings.problems:
        complain(counted(findings.problems))
    else:
        Console().print(_table(findings))


def _table(findings: Findings) -> Table:
    name = findings.mesh.mesh if findings.mesh else ""
    table = Table(title=f"{name} can run: crossdock up", show_header=False, title_justify="left")
    names = findings.contracts.names()
    versions = [f"{each} {', '.join(findings.contracts.versions(each))}" for each in names]
    table.add_row(f"{len(names)} contracts", _shown(versions))
    routes = [f"{each.route}: {', '.join(accepts(each))}" for each in findings.routes]
    table.add_row(f"{len(routes)} routes", _shown(routes))
    workers = [f"{each.loaded.value.worker}: {_what(each)}" for each in findings.workers]
    table.add_row(f"{len(workers)} workers", _shown(workers))
    if findings.processes:
        processes = [f"{each.process}: {', '.join(begun_by(each))}" for each in findings.processes]
        table.add_row(f"{len(processes)} processes", _shown(processes))
    if findings.apis:
        apis = [
            f"{each.api}: {each.method} {each.path} publishes {each.publishes}"
            for each in findings.apis
        ]
        table.add_row(f"{len(apis)} apis", _shown(apis))
    return table


def _shown(lines: list[str]) -> str:
    more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "\n".join([*lines[:_SHOWN], *more])


def _what(worker: CheckedWorker) -> str:
    value = worker.loaded.value
    if worker.is_source:
        return f"{value.adapter} publishes {value.publishes}"
    return f"{value.adapter} consumes {value.destination}"


def _as_json(findings: Findings) -> dict[str, Any]:
    return {
        "ok": not findings.problems,
        "problems": findings.problems,
        "warnings": findings.warnings,
        "contracts": {
            each: findings.contracts.versions(each) for each in findings.contracts.names()
        },
        "routes": [each.route for each in findings.routes],
        "processes": [each.process for each in findings.processes],
        "workers": [each.loaded.value.worker for each in findings.workers],
        "apis": [each.api for each in findings.apis],
    }
