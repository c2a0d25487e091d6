"""``crossdock group``: messages that wait until others come, and to end that by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.cli.acting import ReasonOption
from crossdock.cli.console import complain, say, say_json
from crossdock.cli.options import JsonOption, NatsOption, ProjectOption, YesOption

if TYPE_CHECKING:
    from crossdock.cli.group_look import Open
    from crossdock.mesh.bus import Bus

app = typer.Typer(
    help="See the open groups of aggregators and resequencers, complete or discard one.",
    no_args_is_help=True,
)
_Route = Annotated[str, typer.Argument(metavar="ROUTE", help="Name of its route.")]
_Key = Annotated[
    str, typer.Argument(metavar="KEY", help="Its key, or the token that `group list` shows.")
]


@app.command("list")
def list_groups(
    *,
    route: Annotated[str | None, typer.Option(help="Only of this route.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the oldest.", min=1)] = 1000,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    json: JsonOption = False,
) -> None:
    """List open groups, the oldest first: key, members, age, and when their time is up.

    A key that may be personal is shown as •••. With --json one line for each.
    """
    from crossdock.cli.group_acting import oldest
    from crossdock.cli.session import visit

    found, more = visit(project, nats, lambda bus: oldest(bus, project, route, limit))
    if json:
        for each in found:
            say_json(each)
    elif not found:
        say("no group is open")
    else:
        _table(found)
    if more:
        complain(f"{more} more are open: see them with --limit, or --route")


@app.command()
def show(
    route: _Route,
    key: _Key,
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    json: JsonOption = False,
) -> None:
    """Show one group, with the ids of its messages. Exits 1 when none is open."""
    from crossdock.cli.group_acting import find_open
    from crossdock.cli.session import visit

    found = visit(project, nats, lambda bus: find_open(bus, project, route, key))
    if found is None:
        complain(_none(route))
        raise typer.Exit(1)
    if json:
        say_json(found)
        return
    _table([found])
    for each in found.messages:
        say(each)


@app.command()
def complete(
    route: _Route,
    key: _Key,
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Let a group go on as it is; of `resequence`, give up the gap that is waited for. Recorded.

    Exits 1 when none is open.
    """
    _close(project, nats, (route, key), reason, discard=False, json=json)


@app.command()
def discard(  # noqa: PLR0913 - each is an option of the command
    route: _Route,
    key: _Key,
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    yes: YesOption = False,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """End a group of an aggregator: it is not sent, and its route records that. Exits 1 if none."""
    if not yes and not typer.confirm("End it for good?", err=True):
        raise typer.Exit(1)
    _close(project, nats, (route, key), reason, discard=True, json=json)


def _close(
    project: Path,
    nats: str | None,
    which: tuple[str, str],
    reason: str,
    *,
    discard: bool,
    json: bool,
) -> None:
    from crossdock.cli.acting import who
    from crossdock.cli.group_acting import Act, close
    from crossdock.cli.session import visit

    async def work(bus: Bus) -> Open | None:
        return await close(bus, project, which, Act(by=who(), reason=reason, discard=discard))

    found = visit(project, nats, work)
    if found is None:
        complain(_none(which[0]))
        raise typer.Exit(1)
    done = "discarded" if discard else "completed"
    if json:
        say_json({done: found.token, "members": found.members})
    else:
        say(f"{done} with {found.members} members")


def _none(route: str) -> str:
    return f"no group of that key is open: `crossdock group list --route {route[:80]}` shows them"


def _table(found: list[Open]) -> None:
    from rich.console import Console
    from rich.table import Table

    from crossdock.cli.process_look import moment, span

    table = Table("route", "key", "members", "open for", "until", "token")
    table.columns[2].justify = table.columns[3].justify = "right"
    for each in found:
        of = f" of {each.awaited}" if each.awaited else ""
        waits = f", waits for {each.number}" if each.number is not None else ""
        table.add_row(
            each.route,
            f"{each.key}{' (test)' if each.test else ''}",
            f"{each.members}{of}{waits}",
            span(each.seconds),
            moment(each.deadline) if each.deadline else "",
            each.token,
        )
    Console(highlight=False).print(table)
