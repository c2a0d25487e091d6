"""``crossdock contract``: what a business integrator does with contracts.

Each command is a module of its own, named ``contract_COMMAND``.
"""

from __future__ import annotations

import typer

from crossdock.cli.contract_check import check_contracts
from crossdock.cli.contract_compat import check_compatibility
from crossdock.cli.contract_diff import diff_contracts
from crossdock.cli.contract_docs import catalogue
from crossdock.cli.contract_list import list_contracts
from crossdock.cli.contract_new import new_contract
from crossdock.cli.contract_publish import publish
from crossdock.cli.contract_sample import sample_contract
from crossdock.cli.contract_show import show_contract
from crossdock.cli.contract_types import types

app = typer.Typer(help="Define, check, compare and publish contracts.", no_args_is_help=True)


@app.callback()
def contracts() -> None:
    """Define, check, compare and publish contracts."""


app.command("list")(list_contracts)
app.command("show")(show_contract)
app.command("new")(new_contract)
app.command("check")(check_contracts)
app.command("sample")(sample_contract)
app.command("diff")(diff_contracts)
app.command("compat")(check_compatibility)
app.command()(publish)
app.command("docs")(catalogue)
app.command("types")(types)
