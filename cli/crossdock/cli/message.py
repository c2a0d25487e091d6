"""``crossdock message``: send one, find one, watch them come in."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.cli.connection import gateway_url
from crossdock.cli.console import complain, say, say_json
from crossdock.cli.options import JsonOption, NatsOption, ProjectOption
from crossdock.contracts import CrossdockError, Halt

if TYPE_CHECKING:
    from crossdock.mesh.bus import Bus
    from crossdock.mesh.finding import MessageStatus, RouteStatus

KEY_VARIABLE = "CROSSDOCK_KEY"
app = typer.Typer(help="Send messages, find them, watch them.", no_args_is_help=True)


@app.command()
def send(  # noqa: PLR0913 - each is an option of the command
    contract: Annotated[str, typer.Argument(help="Its contract: name or name@range.")],
    file: Annotated[Path, typer.Argument(help="The data, as JSON; - for standard input.")] = Path(
        "-"
    ),
    *,
    project: ProjectOption = Path(),
    key_file: Annotated[
        Path | None,
        typer.Option(help=f"File with the API key. Default: the variable {KEY_VARIABLE}."),
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="The same key again is the same message.")
    ] = None,
    test: Annotated[
        bool,
        typer.Option("--test", help="Mark it as a test: no sink delivers it to a real system."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Send a message through the gateway; returns when it is durable, and shows its id."""
    from crossdock.cli.sending import send as post

    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        key = key_file.read_text().strip() if key_file else os.environ.get(KEY_VARIABLE)
        url = gateway_url(project)
        accepted = post(url, contract, data, key=key, repeat=idempotency_key, test=test)
    except OSError as error:
        complain(f"cannot read {error.filename}: {error.strerror}")
        raise typer.Exit(1) from error
    except CrossdockError as error:
        _refused(error, json=json)
        raise typer.Exit(1) from error
    if json:
        say_json(accepted)
    else:
        say(accepted.id)


@app.command()
def show(
    message_id: Annotated[str, typer.Argument(metavar="ID", help="Its id.")],
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    sequence: Annotated[
        int | None, typer.Option(help="Its number in the stream, as in Location: finds it faster.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Tell where a message is: routes, destinations, delivered, dead or still on its way."""
    from crossdock.cli.session import visit
    from crossdock.mesh.finding import find

    async def look(bus: Bus) -> MessageStatus | None:
        return await find(bus, message_id, sequence)

    found = visit(project, nats, look)
    if found is None:
        complain(f"there is no message {message_id[:100]!r}, or it is no longer kept")
        raise typer.Exit(1)
    if json:
        say_json(found)
    else:
        _tell(found)


@app.command()
def tail(
    pattern: Annotated[
        str, typer.Argument(metavar="CONTRACT", help="Contract, with * for any part.")
    ] = "*.*.*",
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    dead: Annotated[bool, typer.Option(help="Dead letters instead of what comes in.")] = False,
    data: Annotated[bool, typer.Option(help="Show the data as well.")] = False,
    json: JsonOption = False,
) -> None:
    """Show messages as they come in, until Ctrl-C."""
    from crossdock.cli.session import visit
    from crossdock.cli.tailing import Tail

    tailing = Tail(pattern=pattern, dead=dead, data=data, json=json)
    visit(project, nats, tailing.run)


def _refused(error: CrossdockError, *, json: bool) -> None:
    if json:
        say_json({"error": error.reason, "problems": error.problems})
        return
    if isinstance(error, Halt):
        complain(error.reason, error.problems)
        return
    for each in error.problems:
        complain(f"  {each.pointer or '(the whole)'}: {each.message}")
    complain(error.reason)


def _tell(found: MessageStatus) -> None:
    say(f"{found.id}  {found.contract} {found.version}  from {found.source}")
    say(f"accepted {found.accepted} as number {found.sequence}; now: {found.state}")
    if not found.routes:
        say("no route takes it")
    for route in found.routes:
        _tell_route(route)


def _tell_route(route: RouteStatus) -> None:
    why = f": {route.detail}" if route.detail else ""
    say(f"  route {route.route}: {route.state}{why}")
    for each in route.destinations:
        why = f": {each.detail}" if each.detail else ""
        say(f"    -> {each.destination}: {each.state}{why}  ({each.id})")
