"""``crossdock replay``: send messages that came again, for real."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.cli.acting import ReasonOption
from crossdock.cli.options import JsonOption, NatsOption, ProjectOption, RateOption
from crossdock.cli.stream_range import Range, ToOption

if TYPE_CHECKING:
    from crossdock.mesh.bus import Bus
    from crossdock.mesh.replaying import Replay

_RouteOption = Annotated[str | None, typer.Option(help="Send them to this route alone.")]
_DestinationOption = Annotated[
    str | None, typer.Option(help="Send to this destination what it was sent.")
]
_ContractOption = Annotated[
    str | None, typer.Option(help="Only messages of this contract, for a route.")
]
_FromOption = Annotated[
    str | None,
    typer.Option("--from", help="First message: its number, a time, or how long ago (2h)."),
]
_ResumeOption = Annotated[
    str | None, typer.Option(metavar="ID", help="Go on with a replay that was interrupted.")
]


def replay(  # noqa: PLR0913 - each is an option of the command
    *,
    route: _RouteOption = None,
    destination: _DestinationOption = None,
    contract: _ContractOption = None,
    begin: _FromOption = None,
    end: ToOption = None,
    limit: Annotated[int | None, typer.Option(help="At most so many.", min=1)] = None,
    rate: RateOption = None,
    resume: _ResumeOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    reason: ReasonOption = "",
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    json: JsonOption = False,
) -> None:
    """Send messages again, each as a new one, to one route or destination: effects happen again.

    Try it without effects first: `crossdock route replay`. Each is recorded in the audit record.
    An interrupted replay goes on with --resume, and sends nothing twice. Exits 1 when there is
    nothing to send.
    """
    from crossdock.cli.acting import who
    from crossdock.cli.console import say, say_json
    from crossdock.cli.progress import Progress
    from crossdock.cli.rates import parse_rate
    from crossdock.cli.replay_choosing import Selection, begin_replay, find_replay
    from crossdock.cli.session import visit
    from crossdock.mesh.replaying import run

    if resume is not None:
        chosen = visit(project, nats, lambda bus: find_replay(bus, resume))
    else:
        if (route is None) is (destination is None) or begin is None:
            raise typer.BadParameter("give --route or --destination, and --from; or --resume ID")
        selection = Selection(
            route=route,
            destination=destination,
            contract=contract,
            span=Range.parse(begin, end),
            limit=limit,
            rate=parse_rate(rate),
        )
        chosen = visit(project, nats, lambda bus: begin_replay(bus, selection))
    _confirm(chosen, yes=yes)

    async def send(bus: Bus) -> Replay:
        with Progress("sending", chosen.total, quiet=json) as progress:
            progress.advance(chosen.sent)
            return await run(bus, chosen, by=who(), reason=reason, advance=progress.advance)

    done = visit(project, nats, send)
    if json:
        say_json({"id": done.id, "sent": done.sent})
    else:
        say(f"{done.sent:,} sent to {done.where}")


def _confirm(chosen: Replay, *, yes: bool) -> None:
    """Ask, unless that is not wanted; ends the command when there is nothing to do."""
    from crossdock.cli.console import complain

    left = chosen.total - chosen.sent
    if not left:
        complain(
            "there is nothing to send: `crossdock ledger` and `message tail` show what there is"
        )
        raise typer.Exit(1)
    question = f"Send {left:,} messages to {chosen.where} again, for real?"
    if not yes and not typer.confirm(question, err=True):
        raise typer.Exit(1)
    complain(f"replay {chosen.id}: when it is interrupted, go on with --resume {chosen.id}")
