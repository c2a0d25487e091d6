"""The ``crossdock`` command."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from crossdock.cli import check, client, new, route, services, up

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # I6: locals hold payloads and secrets
)
app.command()(up.up)
app.command()(check.check)
app.add_typer(new.app, name="new")
app.add_typer(route.app, name="route")
app.add_typer(client.app, name="client")
app.command()(services.gateway)
app.command()(services.router)
app.command()(services.worker)


def _show_version(asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if asked:
        typer.echo(f"crossdock {version('crossdock')}")
        raise typer.Exit


@app.callback()
def crossdock(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Crossdock: connect each system once, every integration is a subscription."""
