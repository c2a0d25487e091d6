"""``crossdock process list``: the instances of processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.cli.options import JsonOption, NatsOption, ProjectOption

if TYPE_CHECKING:
    from rich.table import Table

    from crossdock.cli.process_look import Listed
    from crossdock.mesh.bus import Bus

ProcessOption = Annotated[
    str | None, typer.Option("--process", help="Only this process.", show_default=False)
]


def list_(  # noqa: PLR0913 - each is an option of the command
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    process: ProcessOption = None,
    state: Annotated[
        str | None,
        typer.Option(
            help="Only those in this state; or stuck, running, compensating, ended, waiting.",
            show_default=False,
        ),
    ] = None,
    older: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Only those that came into their state longer ago: 30m, 1h, 2d.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 100,
    json: JsonOption = False,
) -> None:
    """List instances: where each is, since when, and what it waits for. The oldest come first.

    Ended ones are shown for as long as they are remembered. Exits 1 when the broker does not
    answer.
    """
    from crossdock.cli.console import complain, say, say_json
    from crossdock.cli.process_look import listed
    from crossdock.cli.session import visit
    from crossdock.mesh.project.scalars import Duration

    try:
        seconds = 0.0 if older is None else float(Duration.parse(older))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--older") from error

    async def read(bus: Bus) -> list[Listed]:
        return await listed(bus, process=process, state=state, older=seconds)

    found = visit(project, nats, read)
    if json:
        for each in found[:limit]:
            say_json(each)
    elif not found:
        say("no instances")
    else:
        from rich.console import Console

        Console(highlight=False).print(_table(found[:limit]))
    if len(found) > limit:
        complain(f"{len(found) - limit} more: raise --limit, or choose with --state and --older")


def _table(found: Sequence[Listed]) -> Table:
    from rich.table import Table
    from rich.text import Text

    from crossdock.cli.process_look import COLOURS, moment, span

    table = Table()
    for title in ("process", "key", "state", "status", "since", "steps", "time is up"):
        table.add_column(title, overflow="fold")
    for each in found:
        table.add_row(
            each.process,
            Text(str(each.key)),
            each.state,
            Text(each.status, style=COLOURS[each.status]),
            f"{span(each.seconds)} ago",
            str(each.steps),
            "" if each.deadline is None else moment(each.deadline),
        )
    return table
