"""The ``crossdock`` command."""

from __future__ import annotations

import typer

from crossdock.cli import route, services, up

app = typer.Typer(
    help="Crossdock: connect each system once, every integration is a subscription.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # I6: locals hold payloads and secrets
)
app.command()(up.up)
app.add_typer(route.app, name="route")
app.command()(services.gateway)
app.command()(services.router)
app.command()(services.worker)
