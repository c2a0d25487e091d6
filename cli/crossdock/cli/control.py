"""``crossdock control``: what runs, and pausing, draining and slowing it down while it does."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.cli.acting import ReasonOption
from crossdock.cli.console import complain, say_json
from crossdock.cli.control_doing import NOT_HEEDED, Falling, act, author_of, on_each, seconds_of
from crossdock.cli.control_options import AuthorOption, NameArgument, NamesArgument, WaitOption
from crossdock.cli.control_removing import purge, remove
from crossdock.cli.options import JsonOption, NatsOption, ProjectOption

if TYPE_CHECKING:
    from crossdock.cli.control_acting import Drained, Wish
    from crossdock.cli.control_lines import Overview
    from crossdock.mesh.bus import Bus
    from crossdock.mesh.control import Name
    from crossdock.mesh.control.store import Kept

app = typer.Typer(
    help="Control Bus: pause, drain, slow down and switch what runs, live and for all replicas.",
    no_args_is_help=True,
)


@app.command()
def show(
    *, project: ProjectOption = Path(), nats: NatsOption = None, json: JsonOption = False
) -> None:
    """Show every route, destination and source: its state, rate, what waits, and who wanted it so.

    `paused` and `drained` are what an operator wanted; `breaker open` and `halted` are what a
    component does by itself, and `resume` does not end them.
    """
    from crossdock.cli.control_lines import look, overview
    from crossdock.cli.session import visit

    async def read(bus: Bus) -> Overview:
        return overview(await look(bus))

    found = visit(project, nats, read)
    if json:
        say_json(found)
        return
    from rich.console import Console

    from crossdock.cli.control_view import table

    Console().print(table(found))
    for each in found.silent:
        complain(f"! {each} does not answer")


@app.command()
def pause(  # noqa: PLR0913 - each is an option of the command
    names: NamesArgument,
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    span: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help="Go on by itself after that: 10m, 2h."),
    ] = None,
    reason: ReasonOption = "",
    author: AuthorOption = None,
    wait: WaitOption = True,
    json: JsonOption = False,
) -> None:
    """Begin nothing more. What is being delivered is finished, what else is in hand is kept.

    It holds for all replicas and over restarts, until `resume`. No message counts as tried.
    Exits 1 when it was refused, 4 when a replica does not heed it yet.
    """
    from crossdock.cli.control_acting import flow_wish

    seconds = None if span is None else seconds_of(span)
    who = author_of(author, reason)
    wishes = on_each(names, lambda name: flow_wish(name, "paused", who, seconds))
    act(project, nats, wishes, wait=wait, json=json)


@app.command()
def resume(  # noqa: PLR0913 - each is an option of the command
    names: NamesArgument,
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    reason: ReasonOption = "",
    author: AuthorOption = None,
    wait: WaitOption = True,
    json: JsonOption = False,
) -> None:
    """End a pause or a drain. An open breaker and a halted component are left as they are.

    Exits 1 when it was refused, 4 when a replica does not heed it yet.
    """
    from crossdock.cli.control_acting import flow_wish

    who = author_of(author, reason)
    wishes = on_each(names, lambda name: flow_wish(name, "running", who))
    act(project, nats, wishes, wait=wait, json=json)


@app.command()
def drain(  # noqa: PLR0913 - each is an option of the command
    name: NameArgument,
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    timeout: Annotated[
        str, typer.Option(metavar="TIME", help="How long to wait: 30s, 10m.")
    ] = "10m",
    reason: ReasonOption = "",
    author: AuthorOption = None,
    json: JsonOption = False,
) -> None:
    """Take nothing new, and wait until what is in hand in all replicas is finished.

    It stays like that until `resume`. What failed and waits for another try is told, and is tried
    after that. Exits 0 when it is drained, 1 when it was refused, 4 when it is not drained in time;
    it goes on draining then.
    """
    from crossdock.cli.control_acting import drain as wait_for
    from crossdock.cli.control_acting import flow_wish, fulfil, wishes_for
    from crossdock.cli.session import visit

    who, seconds = author_of(author, reason), seconds_of(timeout)

    def make(component: Name) -> Wish:
        return flow_wish(component, "draining", who)

    async def work(bus: Bus) -> Drained:
        (wish,) = await wishes_for(bus, [name], make)
        await fulfil(bus, wish, wait=False)
        with Falling(quiet=json) as progress:
            return await wait_for(bus, wish.name, seconds, progress.tell)

    found = visit(project, nats, work)
    if json:
        say_json(found)
    else:
        from rich.console import Console

        from crossdock.cli.control_view import tell_drained

        tell_drained(found, Console(highlight=False))
    raise typer.Exit(0 if found.drained else NOT_HEEDED)


@app.command()
def rate(  # noqa: PLR0913 - each is an option of the command
    name: NameArgument,
    limit: Annotated[
        str,
        typer.Argument(metavar="N/s|off", help="At most so many a second: 50/s, 0.2/s; or off."),
    ],
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    reason: ReasonOption = "",
    author: AuthorOption = None,
    wait: WaitOption = True,
    json: JsonOption = False,
) -> None:
    """Set how many messages all replicas of a route or destination take together in a second.

    It stands in the place of `throttle` of the project; `off` lets that hold again. Exits 1 when it
    was refused, 4 when a replica does not heed it yet.
    """
    from crossdock.cli.control_acting import rate_wish
    from crossdock.cli.rates import parse_rate

    speed = None if limit == "off" else parse_rate(limit)
    who = author_of(author, reason)
    wishes = on_each([name], lambda each: rate_wish(each, speed, who))
    act(project, nats, wishes, wait=wait, json=json)


class Switch(StrEnum):
    """Where a detour is switched to."""

    ON = "on"
    OFF = "off"


@app.command()
def detour(  # noqa: PLR0913 - each is an option of the command
    name: Annotated[str, typer.Argument(metavar="ROUTE/DETOUR", help="A detour of a route.")],
    switch: Annotated[Switch, typer.Argument(help="Whether messages take it.")],
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    reason: ReasonOption = "",
    author: AuthorOption = None,
    wait: WaitOption = True,
    json: JsonOption = False,
) -> None:
    """Switch a detour of a route on or off, for all that is decided from now on.

    Each message goes one way, and its record says which. Exits 1 when it was refused, 4 when a
    replica does not heed it yet.
    """
    from crossdock.cli.control_acting import detour_wish
    from crossdock.cli.control_lines import look

    who = author_of(author, reason)

    async def wishes(bus: Bus) -> list[Wish]:
        return [detour_wish(await look(bus), name, who, on=switch is Switch.ON)]

    act(project, nats, wishes, wait=wait, json=json)


app.command()(purge)
app.command()(remove)


@app.command()
def history(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Only this component.", show_default=False),
    ] = None,
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    json: JsonOption = False,
) -> None:
    """Show who did what, when and why; the last 64 acts on each control are kept."""
    from crossdock.cli.control_lines import look
    from crossdock.cli.session import visit
    from crossdock.mesh.control import ControlStore
    from crossdock.mesh.control.acts import all_keys

    async def read(bus: Bus) -> list[Kept]:
        pattern = ">" if name is None else all_keys((await look(bus)).find(name))
        return await ControlStore(bus).history(pattern)

    found = visit(project, nats, read)
    if json:
        for each in found:
            say_json(each)
        return
    from rich.console import Console

    from crossdock.cli.control_view import history_table

    Console().print(history_table(found))
