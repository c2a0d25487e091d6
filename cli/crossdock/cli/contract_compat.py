"""``crossdock contract compat``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crossdock.cli.contract_options import ModeOption
from crossdock.cli.options import JsonOption, ProjectOption

if TYPE_CHECKING:
    from crossdock.contracts import Contract, Registry
    from crossdock.contracts.compatibility import Mode, Step

NameArgument = Annotated[
    str | None, typer.Argument(metavar="NAME", help="One contract; all if not given.")
]


def check_compatibility(
    name: NameArgument = None,
    *,
    project: ProjectOption = Path(),
    mode: ModeOption = None,
    json: JsonOption = False,
) -> None:
    """Check that each version of a contract keeps what its mode asks of it.

    A mode holds among versions that `^VERSION` takes together: those of one major version. What a
    new major version breaks is told, and not refused. Exits with 1 when a version breaks its mode,
    2 when a contract cannot be read.
    """
    from crossdock.cli.console import complain, say_json
    from crossdock.contracts import Halt
    from crossdock.mesh.project.contract_files import load_contracts

    try:
        compared = _compare(load_contracts(project), name, mode)
    except Halt as error:
        complain(error.reason, error.problems)
        raise typer.Exit(2) from error
    if json:
        say_json([_as_json(each) for each in compared])
    else:
        _show(compared)
    raise typer.Exit(1 if any(each.refused for each in compared) else 0)


def _compare(registry: Registry, only: str | None, mode: Mode | None) -> list[Step]:
    from crossdock.cli.contract_comparison import mode_of
    from crossdock.contracts import Halt
    from crossdock.contracts.compatibility import steps

    if only is not None and only not in registry.names():
        raise Halt(f"no contract {only[:100]!r}: see crossdock contract list")
    versions: dict[str, list[Contract]] = {}
    for each in registry:
        if only in (None, each.name):
            each.compile()
            versions.setdefault(each.name, []).append(each)
    found: list[Step] = []
    for name in sorted(versions):
        found += steps(versions[name], mode or mode_of(registry, name))
    return found


def _show(compared: list[Step]) -> None:
    from rich.console import Console

    from crossdock.cli.difference_table import show_counterexample, show_differences
    from crossdock.contracts.compatibility import counterexample

    console = Console()
    for each in compared:
        console.print(_line(each))
        if not each.breaking:
            continue
        show_differences(console, each.breaking, each.mode)
        for one, other, direction in (
            (each.old, each.new, "backward"),
            (each.new, each.old, "forward"),
        ):
            broken = any(not getattr(found, direction).safe for found in each.breaking)
            shown = counterexample(one, other) if broken and _asked(each.mode, direction) else None
            if shown is not None:
                show_counterexample(console, shown, one.version, other.version)
    refused = sum(1 for each in compared if each.refused)
    console.print(f"{len(compared)} compared, {refused} refused")


def _asked(mode: Mode, direction: str) -> bool:
    return mode.startswith((direction, "full"))


def _line(step: Step) -> str:
    what = f"{step.new.name} {step.old.version} → {step.new.version}"
    if step.refused:
        return f"[bold red]✗[/bold red] {what} breaks {step.mode}"
    if step.breaking:
        return f"[yellow]![/yellow] {what} breaks {step.mode}, as another major version may"
    return f"[green]✓[/green] {what} keeps {step.mode}"


def _as_json(step: Step) -> dict[str, Any]:
    return {
        "contract": step.new.name,
        "old": step.old.version,
        "new": step.new.version,
        "mode": step.mode,
        "enforced": step.enforced,
        "refused": step.refused,
        "differences": step.differences,
    }
