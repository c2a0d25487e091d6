"""``crossdock up``: a whole mesh on this machine with one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crossdock.cli.options import JsonOption


def up(
    project: Annotated[
        Path, typer.Argument(help="The project folder.", exists=True, file_okay=False)
    ],
    *,
    http: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Where the gateway listens; port 0 for a free one."),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the broker's store. Default: .crossdock/store", file_okay=False
        ),
    ] = None,
    nats: Annotated[
        str | None,
        typer.Option(help="Use this broker instead of an embedded one.", envvar="CROSSDOCK_NATS"),
    ] = None,
    verbose: Annotated[
        bool, typer.Option(help="Show the log lines of all processes, write no log files.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Run a mesh: broker, gateway, router and workers, until Ctrl-C.

    Prints `ready http://HOST:PORT` when everything is up. Changes of contracts, routes and workers
    in the project folder take effect as they are saved. Stops cleanly on Ctrl-C or SIGTERM; a
    second one ends everything at once.
    """
    from crossdock.cli.running_up import Wishes, become_supervisor

    wishes = Wishes(
        project=str(project.resolve()),
        http=http,
        store=None if store is None else str(store.resolve()),
        verbose=verbose,
        json=json,
    )
    become_supervisor(wishes, nats)
