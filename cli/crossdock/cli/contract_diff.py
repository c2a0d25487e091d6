"""``crossdock contract diff``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.cli.contract_options import ModeOption
from crossdock.cli.options import JsonOption, NatsOption, ProjectOption

if TYPE_CHECKING:
    from crossdock.cli.contract_comparison import ComparedContracts
    from crossdock.cli.replaying import Replay

OldArgument = Annotated[str, typer.Argument(metavar="OLD", help="A schema file, or NAME@VERSION.")]
NewArgument = Annotated[str, typer.Argument(metavar="NEW", help="A schema file, or NAME@VERSION.")]


ReplayOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Try NEW on the last N messages of the contract that the mesh still holds.",
        show_default=False,
    ),
]


def diff_contracts(  # noqa: PLR0913 - each is an option of the command
    old: OldArgument,
    new: NewArgument,
    *,
    project: ProjectOption = Path(),
    mode: ModeOption = None,
    replay: ReplayOption = None,
    nats: NatsOption = None,
    json: JsonOption = False,
) -> None:
    """Tell what differs between two versions of a contract, whom it breaks, and what it does here.

    Each difference has a stable code, its place, both values and why it breaks whom: `backward`
    are new readers of old documents, `forward` old readers of new ones. A document that shows it is
    searched for. Then the routes, workers, APIs and examples of the project that break.

    Exits with 1 when NEW breaks the mode, something of the project, or messages that were replayed;
    with 2 when a version cannot be read.
    """
    from crossdock.cli.console import complain, say_json
    from crossdock.cli.contract_comparison import compare_contracts
    from crossdock.contracts import Halt

    try:
        compared = compare_contracts(old, new, project, mode)
    except Halt as error:
        complain(error.reason, error.problems)
        raise typer.Exit(2) from error
    if not json:
        _show(compared)
    replayed = None if replay is None else _replayed(compared, project, nats, replay)
    if json:
        say_json({**compared.as_json(), "replay": replayed})
    else:
        _conclude(compared, replayed)
    hurt = compared.impact is not None and compared.impact.broken > 0
    refused = replayed is not None and replayed.failed > 0
    raise typer.Exit(1 if compared.breaking or hurt or refused else 0)


def _replayed(compared: ComparedContracts, project: Path, nats: str | None, count: int) -> Replay:
    from crossdock.cli.replaying import replay
    from crossdock.cli.session import visit
    from crossdock.contracts import Contract

    name, new = compared.old.contract.name, compared.new.contract
    version = Contract(name, new.version, new.schema)
    return visit(project, nats, lambda bus: replay(bus, version, count))


def _show(compared: ComparedContracts) -> None:
    from rich.console import Console

    from crossdock.cli.difference_table import show_counterexample, show_differences
    from crossdock.cli.impact_view import show_impact

    console = Console(highlight=False)
    old, new = compared.old.label, compared.new.label
    if compared.differences:
        show_differences(console, compared.differences, compared.mode)
    if compared.old_only is not None:
        show_counterexample(console, compared.old_only, old, new)
    if compared.new_only is not None:
        show_counterexample(console, compared.new_only, new, old)
    if compared.impact is not None:
        show_impact(console, compared.impact, compared.old.contract.name)


def _conclude(compared: ComparedContracts, replayed: Replay | None) -> None:
    from rich.console import Console

    from crossdock.cli.impact_view import show_replay

    console = Console(highlight=False)
    if replayed is not None:
        show_replay(console, replayed, compared.new.label)
    console.print(compared.verdict())
