"""``crossdock client add|revoke|list``: who may call the gateway."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from crossdock.cli.console import complain, say, say_json
from crossdock.cli.options import JsonOption, ProjectOption
from crossdock.contracts import Halt

if TYPE_CHECKING:
    from crossdock.gateway.clients import Client

app = typer.Typer(help="Who may call the gateway, and what for.", no_args_is_help=True)
_Result = TypeVar("_Result")
_HALTED = 78


@app.command()
def add(  # noqa: PLR0913 - each is an option of the command
    name: Annotated[str, typer.Argument(help="Name of the client: a-z 0-9 - _.")],
    allow: Annotated[
        list[str],
        typer.Option(
            metavar="PATTERN",
            help="Contracts that it may send and see: sales.order.placed, sales.*.* or *. "
            "May be given more than once.",
        ),
    ],
    *,
    source: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE",
            help="CloudEvents source that is this client's alone, with * at its end for a prefix. "
            "May be given more than once.",
        ),
    ] = None,
    test: Annotated[
        bool, typer.Option("--test", help="It may send messages that are marked as tests.")
    ] = False,
    metrics: Annotated[bool, typer.Option("--metrics", help="It may read /metrics.")] = False,
    mesh: Annotated[
        bool, typer.Option("--mesh", help="It may read /asyncapi.json: all that is connected.")
    ] = False,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Add a client and print its API key: once, it is kept nowhere."""
    from crossdock.gateway.client_file import add_client

    asked = {"metrics": metrics, "mesh": mesh, "test": test}
    scopes = tuple(name for name, given in asked.items() if given)
    key = _or_complain(lambda: add_client(project, name, tuple(allow), tuple(source or ()), scopes))
    if json:
        say_json({"name": name, "key": key, "allow": allow})
    else:
        say(key)
        complain(f"This is the key of {name}. It cannot be shown again: keep it safe.")


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="Name of the client.")],
    *,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Refuse a client's key from now on. A running gateway notices by itself."""
    from crossdock.gateway.client_file import revoke_client

    client = _or_complain(lambda: revoke_client(project, name))
    if json:
        say_json(_shown(client))
    else:
        say(f"{client.name} is revoked since {client.revoked}")


@app.command(name="list")
def list_clients(*, project: ProjectOption = Path(), json: JsonOption = False) -> None:
    """List the clients, also the revoked ones. Keys are never shown."""
    from rich.console import Console
    from rich.table import Table

    from crossdock.gateway.client_file import load_clients

    clients = _or_complain(lambda: load_clients(project))
    if json:
        say_json([_shown(each) for each in clients])
        return
    table = Table("client", "may send", "sources", "scopes", "created", "revoked")
    for each in clients:
        table.add_row(
            each.name,
            "\n".join(each.allow),
            "\n".join(each.sources),
            ", ".join(each.scopes),
            each.created,
            each.revoked,
        )
    Console().print(table)


def _shown(client: Client) -> dict[str, object]:
    return {
        "name": client.name,
        "allow": client.allow,
        "sources": client.sources,
        "scopes": client.scopes,
        "created": client.created,
        "revoked": client.revoked,
    }


def _or_complain(work: Callable[[], _Result]) -> _Result:
    try:
        return work()
    except Halt as error:
        complain(error.reason, error.problems)
        raise typer.Exit(_HALTED) from error
