"""``crossdock probe``: send a test message through the mesh, and see where it comes out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.cli.options import JsonOption, NatsOption, ProjectOption

if TYPE_CHECKING:
    from crossdock.cli.probe_following import Probed

_KEY_VARIABLE = "CROSSDOCK_KEY"


def probe(  # noqa: PLR0913 - each is an option of the command
    contract: Annotated[
        str, typer.Argument(metavar="NAME[@RANGE]", help="The contract of what is sent.")
    ],
    file: Annotated[
        Path | None,
        typer.Argument(
            help="The data, as JSON. Default: a document that the contract accepts.",
            show_default=False,
        ),
    ] = None,
    *,
    expect: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DESTINATION",
            help="It has to get there, and to no other. May be given more than once.",
        ),
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for all of it.", min=0.1)] = 30.0,
    seed: Annotated[int, typer.Option(help="Of the document that is made.")] = 1,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    key_file: Annotated[
        Path | None,
        typer.Option(help=f"File with the API key. Default: the variable {_KEY_VARIABLE}."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Send a test message, follow it over all hops, and tell how long each of them took.

    It goes through the gateway and the real routes; sinks record that they could deliver it, and do
    not (`test_messages` of a worker says otherwise). The API key needs the scope `test`.

    Exits 0 when all of it came to an end, 1 when it is dead, did not get there in time or where it
    was expected, or was refused.
    """
    from crossdock.cli.connection import gateway_url
    from crossdock.cli.console import complain, say_json
    from crossdock.cli.probe_following import document, follow
    from crossdock.cli.sending import send
    from crossdock.cli.session import visit
    from crossdock.contracts import CrossdockError

    try:
        data = document(project, contract, seed) if file is None else file.read_bytes()
        key = key_file.read_text().strip() if key_file else os.environ.get(_KEY_VARIABLE)
        accepted = send(gateway_url(project), contract, data, key=key, test=True)
    except OSError as error:
        complain(f"cannot read {error.filename}: {error.strerror}")
        raise typer.Exit(1) from error
    except CrossdockError as error:
        complain(error.reason, error.problems)
        raise typer.Exit(1) from error
    wanted = frozenset(expect) if expect else None
    found = visit(project, nats, lambda bus: follow(bus, accepted.id, timeout, wanted))
    if json:
        say_json(found)
    else:
        _tell(found)
    raise typer.Exit(0 if found.ok else 1)


def _tell(found: Probed) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    table = Table("hop", "outcome", "after", "", title=f"test message {found.id}")
    table.columns[2].justify = "right"
    for each in found.hops:
        good = each.outcome not in ("dead", "pending")
        colour = "green" if good else "red"
        after = "" if each.after is None else f"{each.after * 1000:,.0f} ms"
        detail = "" if each.outcome == "tested" else escape(each.detail)
        table.add_row(escape(each.hop), f"[{colour}]{each.outcome}[/]", after, detail)
    console.print(table)
    for problem in found.problems:
        console.print(f"[red]✗[/] {escape(problem)}", soft_wrap=True)
    if found.ok:
        console.print("[green]✓[/] all of it came to an end")
