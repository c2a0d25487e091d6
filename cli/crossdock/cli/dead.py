"""``crossdock dead``: what could not go on, why, and sending it again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crossdock.cli.acting import ReasonOption
from crossdock.cli.console import complain, say, say_json
from crossdock.cli.dead_causes import By
from crossdock.cli.options import JsonOption, NatsOption, ProjectOption, RateOption

if TYPE_CHECKING:
    from crossdock.cli.dead_causes import Group
    from crossdock.cli.redriving import Act, Result
    from crossdock.mesh.bus import Bus
    from crossdock.mesh.dead_letters import DeadLetter
    from crossdock.mesh.json_patch import Change

app = typer.Typer(help="Dead letters: see why, repair, send again.", no_args_is_help=True)
_WhereOption = Annotated[
    str | None,
    typer.Option("--component", "--where", help="Only those of this route, destination or source."),
]
_CauseOption = Annotated[
    str | None, typer.Option(help="Only those of this cause, as `dead list` names it.")
]
_ContractOption = Annotated[str | None, typer.Option(help="Only those of this contract.")]
_DataOption = Annotated[
    Path | None,
    typer.Option(
        help="File with repaired data, as its contract wants it, for one dead letter.", exists=True
    ),
]
_PatchOption = Annotated[
    Path | None,
    typer.Option(help="File with a JSON Patch (RFC 6902) for each of them.", exists=True),
]
_AgainOption = Annotated[
    bool, typer.Option("--again", help="Also what was sent again and came back 3 times.")
]
_FromStartOption = Annotated[
    bool,
    typer.Option(
        "--from-start", help="Repeat also the calls that a route made before the step that failed."
    ),
]
_YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
_NumberArgument = Annotated[int, typer.Argument(metavar="NUMBER", help="Its number.", min=1)]


@app.command("list")
def list_(
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    where: _WhereOption = None,
    by: Annotated[By, typer.Option(help="What to group them by.")] = By.CAUSE,
    json: JsonOption = False,
) -> None:
    """Count the dead letters by what they have in common, the largest group first.

    A cause is a short name for: component, contract, kind of error, and what of the contract is
    broken where. The numbers are those of the oldest and newest letter.
    """
    from crossdock.cli.dead_causes import grouped, table
    from crossdock.cli.session import visit
    from crossdock.mesh.dead_letters import listing

    async def read(bus: Bus) -> list[Group]:
        return await grouped(listing(bus, where), by)

    groups = visit(project, nats, read)
    if json:
        for each in groups:
            say_json(each)
    elif not groups:
        say("no dead letters")
    else:
        from rich.console import Console

        Console().print(table(groups, by))


@app.command()
def show(
    number: _NumberArgument,
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    data: Annotated[bool, typer.Option(help="Show the data as well.")] = False,
    json: JsonOption = False,
) -> None:
    """Show one dead letter: where, why, every problem, and what the message was."""
    from crossdock.cli.dead_letters import described, tell

    letter = _letter(project, nats, number, data=data)
    if json:
        say_json(described(letter, data=data))
    else:
        tell(letter, data=data)


@app.command()
def edit(  # noqa: PLR0913 - each is an option of the command
    number: _NumberArgument,
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    patch: Annotated[
        Path | None,
        typer.Option(help="File with a JSON Patch (RFC 6902) over the original data.", exists=True),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take back an earlier repair.")] = False,
    yes: _YesOption = False,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Repair a dead letter; shows what changes. A redrive sends the repaired data.

    The result is checked against the contract. The original bytes are kept, with the patch beside
    them. The letter gets a new number. Exits 1 when the repair is refused.
    """
    from crossdock.cli.dead_editing import look
    from crossdock.cli.dead_letters import tell_changes
    from crossdock.cli.redriving import edit as put
    from crossdock.cli.session import visit

    if (patch is None) is not undo:
        raise typer.BadParameter("give --patch FILE, or --undo")
    text = b"" if patch is None else patch.read_bytes()
    letter = _letter(project, nats, number, data=patch is not None)
    changes = _refusing(lambda: look(project, letter, text), json=json)
    if not json:
        tell_changes(changes)
    if not yes and not typer.confirm(f"Keep this repair of {number}?", err=True):
        raise typer.Exit(1)
    new = visit(project, nats, lambda bus: put(bus, letter, text, _act(reason)))
    if json:
        say_json({"number": new, "changes": changes})
    else:
        say(f"repaired: it is number {new} now; send it with: crossdock dead redrive {new}")


@app.command()
def redrive(  # noqa: PLR0913 - each is an option of the command
    numbers: Annotated[list[int] | None, typer.Argument(help="Numbers of dead letters.")] = None,
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    where: _WhereOption = None,
    cause: _CauseOption = None,
    contract: _ContractOption = None,
    everything: Annotated[bool, typer.Option("--all", help="All dead letters.")] = False,
    limit: Annotated[int | None, typer.Option(help="At most so many, the oldest.", min=1)] = None,
    rate: RateOption = None,
    data: _DataOption = None,
    patch: _PatchOption = None,
    again: _AgainOption = False,
    from_start: _FromStartOption = False,
    yes: _YesOption = False,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Send dead letters again, each to the step that failed; what was sent is removed here.

    Each has its effect once, also when this is interrupted: run it again to go on. Exits 1 when
    one was refused; it is kept then.
    """
    from crossdock.cli.rates import parse_rate
    from crossdock.cli.redriving import Choice, Redrive, choose, read_repair
    from crossdock.cli.session import visit

    chosen_by = any(each is not None for each in (where, cause, contract))
    if sum((bool(numbers), chosen_by, everything)) != 1:
        raise typer.BadParameter(
            "give numbers, or --component, --cause and --contract, or --all: one of them"
        )
    if data is not None and len(numbers or ()) != 1:
        raise typer.BadParameter("--data repairs one dead letter: give its number")
    speed = parse_rate(rate)
    choice = Choice(
        numbers=tuple(numbers or ()), where=where, cause=cause, contract=contract, limit=limit
    )
    chosen = visit(project, nats, lambda bus: choose(bus, choice))
    if chosen and not yes and not typer.confirm(f"Send {len(chosen)} again?", err=True):
        raise typer.Exit(1)

    async def send(bus: Bus) -> Result:
        return await Redrive(
            numbers=chosen,
            repair=read_repair(project, data, patch),
            act=_act(reason),
            rate=speed,
            guarded=not again,
            from_start=from_start,
            quiet=json,
        ).run(bus)

    _tell_result(visit(project, nats, send), json=json)


@app.command()
def discard(
    numbers: Annotated[list[int], typer.Argument(help="Numbers of dead letters.")],
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    yes: _YesOption = False,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Remove dead letters for good, for example what was corrected in its own system."""
    from crossdock.cli.redriving import remove
    from crossdock.cli.session import visit

    if not yes and not typer.confirm(f"Remove {len(numbers)} for good?", err=True):
        raise typer.Exit(1)
    missing = visit(project, nats, lambda bus: remove(bus, numbers, _act(reason)))
    if json:
        say_json({"removed": len(numbers) - len(missing), "missing": missing})
    else:
        for each in missing:
            complain(f"{each}: there is no such dead letter")
        say(f"{len(numbers) - len(missing)} removed")
    raise typer.Exit(1 if missing else 0)


def _letter(project: Path, nats: str | None, number: int, *, data: bool) -> DeadLetter:
    from crossdock.cli.session import visit
    from crossdock.mesh.dead_letters import get, whole

    async def read(bus: Bus) -> DeadLetter | None:
        found = await get(bus, number)
        return await whole(bus, found) if found is not None and data else found

    letter = visit(project, nats, read)
    if letter is None:
        complain(f"there is no dead letter {number}: `crossdock dead list` shows what there is")
        raise typer.Exit(1)
    return letter


def _act(reason: str) -> Act:
    from crossdock.cli.acting import who
    from crossdock.cli.redriving import Act

    return Act(by=who(), reason=reason)


def _refusing(look: Any, *, json: bool) -> list[Change]:  # noqa: ANN401 - any look at a letter
    from crossdock.contracts import CrossdockError

    try:
        found: list[Change] = look()
    except CrossdockError as error:
        if json:
            say_json({"error": error.reason, "problems": error.problems})
        else:
            complain(error.reason, error.problems)
        raise typer.Exit(1) from error
    return found


def _tell_result(result: Result, *, json: bool) -> None:
    if json:
        say_json(result)
    else:
        for each, why in result.refused.items():
            complain(f"{each}: {why}")
        say(f"{result.sent} sent again, {len(result.refused)} not")
    raise typer.Exit(1 if result.refused else 0)
