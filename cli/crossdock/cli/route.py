"""``crossdock route``: what a business integrator does with routes.

Each command is a module of its own, named ``route_COMMAND``.
"""

from __future__ import annotations

import typer

from crossdock.cli.route_check import check_types
from crossdock.cli.route_replay import replay
from crossdock.cli.route_test import run_tests

app = typer.Typer(help="Check, test and try routes.", no_args_is_help=True)


@app.callback()
def routes() -> None:
    """Check, test and try routes."""


app.command("check")(check_types)
app.command("replay")(replay)
app.command("test")(run_tests)
