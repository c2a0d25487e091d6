"""``crossdock contract``: what a business integrator does with contracts.

Each command is a module of its own, named ``contract_COMMAND``.
"""

from __future__ import annotations

import typer

from crossdock.cli.contract_check import check_contracts
from crossdock.cli.contract_list import list_contracts
from crossdock.cli.contract_publish import publish

app = typer.Typer(help="Define, check, compare and publish contracts.", no_args_is_help=True)


@app.callback()
def contracts() -> None:
    """Define, check, compare and publish contracts."""


app.command("list")(list_contracts)
app.command("check")(check_contracts)
app.command()(publish)
