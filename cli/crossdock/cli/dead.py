"""``crossdock dead``: what could not go on, why, and sending it again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.cli.console import complain, say, say_json
from crossdock.cli.options import JsonOption, NatsOption, ProjectOption

if TYPE_CHECKING:
    from crossdock.cli.dead_letters import Group
    from crossdock.cli.redriving import Result
    from crossdock.mesh.bus import Bus
    from crossdock.mesh.dead_letters import DeadLetter

app = typer.Typer(help="Dead letters: see why, repair, send again.", no_args_is_help=True)
_WhereOption = Annotated[
    str | None, typer.Option(help="Only those of this route, destination or source.")
]


@app.command("list")
def list_(
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    where: _WhereOption = None,
    json: JsonOption = False,
) -> None:
    """Count the dead letters by where and why; the numbers are those of the oldest and newest."""
    from crossdock.cli.dead_letters import group, grouped_table
    from crossdock.cli.session import visit
    from crossdock.mesh.dead_letters import listing

    async def read(bus: Bus) -> list[Group]:
        return await group(listing(bus, where))

    groups = visit(project, nats, read)
    if json:
        for each in groups:
            say_json(each)
    elif not groups:
        say("no dead letters")
    else:
        from rich.console import Console

        Console().print(grouped_table(groups))


@app.command()
def show(
    number: Annotated[int, typer.Argument(help="Its number.", min=1)],
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    data: Annotated[bool, typer.Option(help="Show the data as well.")] = False,
    json: JsonOption = False,
) -> None:
    """Show one dead letter: where, why, every problem, and what the message was."""
    from crossdock.cli.dead_letters import described, tell
    from crossdock.cli.session import visit
    from crossdock.mesh.dead_letters import get

    async def read(bus: Bus) -> DeadLetter | None:
        return await get(bus, number)

    letter = visit(project, nats, read)
    if letter is None:
        complain(f"there is no dead letter {number}")
        raise typer.Exit(1)
    if json:
        say_json(described(letter, data=data))
    else:
        tell(letter, data=data)


@app.command()
def redrive(  # noqa: PLR0913 - each is an option of the command
    numbers: Annotated[list[int] | None, typer.Argument(help="Numbers of dead letters.")] = None,
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    where: _WhereOption = None,
    everything: Annotated[bool, typer.Option("--all", help="All dead letters.")] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            help="File with repaired data, as its contract wants it, for one dead letter.",
            exists=True,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option(help="Do not ask.")] = False,
    json: JsonOption = False,
) -> None:
    """Send dead letters again, each to the step that failed; what was sent is removed here."""
    from crossdock.cli.redriving import Choice, Redrive, choose, read_repair
    from crossdock.cli.session import visit

    if sum((bool(numbers), where is not None, everything)) != 1:
        raise typer.BadParameter("give numbers, or --where, or --all: one of them")
    if data is not None and len(numbers or ()) != 1:
        raise typer.BadParameter("--data repairs one dead letter: give its number")
    choice = Choice(numbers=tuple(numbers or ()), where=where)
    chosen = visit(project, nats, lambda bus: choose(bus, choice))
    if chosen and not yes and not typer.confirm(f"Send {len(chosen)} again?", err=True):
        raise typer.Exit(1)

    async def send(bus: Bus) -> Result:
        repair = None if data is None else read_repair(project, data)
        return await Redrive(numbers=chosen, repair=repair, quiet=json).run(bus)

    result = visit(project, nats, send)
    if json:
        say_json(result)
    else:
        for each, why in result.refused.items():
            complain(f"{each}: {why}")
        say(f"{result.sent} sent again, {len(result.refused)} not")
    raise typer.Exit(1 if result.refused else 0)


@app.command()
def discard(
    numbers: Annotated[list[int], typer.Argument(help="Numbers of dead letters.")],
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    yes: Annotated[bool, typer.Option(help="Do not ask.")] = False,
    json: JsonOption = False,
) -> None:
    """Remove dead letters for good, for example what was corrected in its own system."""
    from crossdock.cli.redriving import remove
    from crossdock.cli.session import visit

    if not yes and not typer.confirm(f"Remove {len(numbers)} for good?", err=True):
        raise typer.Exit(1)
    missing = visit(project, nats, lambda bus: remove(bus, numbers))
    if json:
        say_json({"removed": len(numbers) - len(missing), "missing": missing})
    else:
        for each in missing:
            complain(f"{each}: there is no such dead letter")
        say(f"{len(numbers) - len(missing)} removed")
    raise typer.Exit(1 if missing else 0)
