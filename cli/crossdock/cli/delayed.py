"""``crossdock delayed``: what routes hold back until its time, and to let it go by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.cli.acting import ReasonOption
from crossdock.cli.console import complain, say, say_json
from crossdock.cli.options import JsonOption, NatsOption, ProjectOption, YesOption

if TYPE_CHECKING:
    from crossdock.mesh.bus import Bus
    from crossdock.mesh.later import Waiting

app = typer.Typer(
    help="See what waits for its time, let it go, or end it (`delay` of a route).",
    no_args_is_help=True,
)
_Ids = Annotated[
    list[str], typer.Argument(metavar="ID...", help="Ids of messages, or of what waits of them.")
]
_Route = Annotated[str | None, typer.Option(help="Only this route.")]


@app.command("list")
def list_delayed(
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    route: _Route = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 1000,
    json: JsonOption = False,
) -> None:
    """List what waits: until when, in which route, of which message. What goes on first is first.

    With --json one line for each.
    """
    from crossdock.cli.releasing import first_of
    from crossdock.cli.session import visit

    found, more = visit(project, nats, lambda bus: first_of(bus, route, limit))
    if json:
        for each in found:
            say_json(each)
    elif not found:
        say("nothing waits")
    else:
        _table(found)
    if more:
        complain(f"{more} more wait: see them with --limit, or --route")


@app.command()
def release(
    ids: _Ids,
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Let messages go on now; recorded. Exits 1 when one does not wait (any more)."""
    from crossdock.cli.acting import who
    from crossdock.cli.releasing import let_go
    from crossdock.cli.session import visit

    async def work(bus: Bus) -> list[str]:
        return await let_go(bus, ids, by=who(), reason=reason, discard=False)

    _done(ids, visit(project, nats, work), "released", json=json)


@app.command()
def discard(
    ids: _Ids,
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    yes: YesOption = False,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """End messages that wait: they are not sent; recorded. Exits 1 when one does not wait."""
    from crossdock.cli.acting import who
    from crossdock.cli.releasing import let_go
    from crossdock.cli.session import visit

    if not yes and not typer.confirm(f"End {len(ids)} for good?", err=True):
        raise typer.Exit(1)

    async def work(bus: Bus) -> list[str]:
        return await let_go(bus, ids, by=who(), reason=reason, discard=True)

    _done(ids, visit(project, nats, work), "discarded", json=json)


def _done(ids: list[str], missing: list[str], what: str, *, json: bool) -> None:
    done = len(ids) - len(missing)
    if json:
        say_json({what: done, "missing": missing})
    else:
        for each in missing:
            complain(f"{each[:100]} does not wait: `crossdock delayed list` shows what does")
        say(f"{done} {what}")
    raise typer.Exit(1 if missing else 0)


def _table(found: list[Waiting]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("until", "route", "message", "waits as")
    for each in found:
        table.add_row(each.until[:19].replace("T", " "), each.route, each.message, each.id)
    Console(highlight=False).print(table)
