"""``crossdock contract show``."""

from __future__ import annotations

from pathlib import Path

import typer

from crossdock.cli.options import ContractArgument, JsonOption, ProjectOption


def show_contract(
    reference: ContractArgument, *, project: ProjectOption = Path(), json: JsonOption = False
) -> None:
    """Show a contract: what it is, its fields and examples, who makes and who takes its messages.

    Exits with 2 when there is no such contract, or the project cannot be read.
    """
    from crossdock.cli.console import complain, say_json
    from crossdock.cli.contract_choice import chosen_contract, loaded_contracts
    from crossdock.cli.contract_view import print_view, view_of
    from crossdock.contracts import Halt

    registry = loaded_contracts(project)
    contract = chosen_contract(registry, reference)
    try:
        view = view_of(project, registry, contract)
    except Halt as error:
        complain(error.reason, error.problems)
        raise typer.Exit(2) from error
    if json:
        say_json(view)
    else:
        print_view(view)
