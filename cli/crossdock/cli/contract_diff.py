"""``crossdock contract diff``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.cli.contract_options import ModeOption
from crossdock.cli.options import JsonOption, ProjectOption

if TYPE_CHECKING:
    from crossdock.cli.contract_comparison import ComparedContracts

OldArgument = Annotated[str, typer.Argument(metavar="OLD", help="A schema file, or NAME@VERSION.")]
NewArgument = Annotated[str, typer.Argument(metavar="NEW", help="A schema file, or NAME@VERSION.")]


def diff_contracts(
    old: OldArgument,
    new: NewArgument,
    *,
    project: ProjectOption = Path(),
    mode: ModeOption = None,
    json: JsonOption = False,
) -> None:
    """Tell what differs between two versions of a contract, and whom it breaks.

    Each difference has a stable code, its place, both values and why it breaks whom: `backward`
    are new readers of old documents, `forward` old readers of new ones. A document that shows it is
    searched for. Exits with 1 when it breaks the mode, 2 when a version cannot be read.
    """
    from crossdock.cli.console import complain, say_json
    from crossdock.cli.contract_comparison import compare_contracts
    from crossdock.contracts import Halt

    try:
        compared = compare_contracts(old, new, project, mode)
    except Halt as error:
        complain(error.reason, error.problems)
        raise typer.Exit(2) from error
    if json:
        say_json(compared.as_json())
    else:
        _show(compared)
    raise typer.Exit(1 if compared.breaking else 0)


def _show(compared: ComparedContracts) -> None:
    from rich.console import Console

    from crossdock.cli.difference_table import show_counterexample, show_differences

    console = Console()
    old, new = compared.old.label, compared.new.label
    if compared.differences:
        show_differences(console, compared.differences, compared.mode)
    if compared.old_only is not None:
        show_counterexample(console, compared.old_only, old, new)
    if compared.new_only is not None:
        show_counterexample(console, compared.new_only, new, old)
    console.print(compared.verdict())
