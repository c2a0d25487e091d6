"""``crossdock contract sample``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crossdock.cli.options import ContractArgument, JsonOption, ProjectOption


def sample_contract(
    reference: ContractArgument,
    *,
    project: ProjectOption = Path(),
    seed: Annotated[
        int | None, typer.Option(help="The same seed gives the same documents.", show_default=False)
    ] = None,
    count: Annotated[int, typer.Option(help="How many documents.", min=1, max=10_000)] = 1,
    json: JsonOption = False,
) -> None:
    """Make documents that a contract accepts, one a line; each has been checked against it.

    Exits with 1 when none can be made, with 2 when there is no such contract.
    """
    from secrets import randbelow

    from crossdock.cli.console import complain, say_json
    from crossdock.cli.contract_choice import chosen_contract, loaded_contracts
    from crossdock.contracts.sampling import samples

    contract = chosen_contract(loaded_contracts(project), reference)
    chosen = randbelow(2**32) if seed is None else seed
    try:
        made = samples(contract, count, chosen)
        if json:
            about = {"contract": contract.name, "version": contract.version, "seed": chosen}
            say_json({**about, "samples": list(made)})
        else:
            for each in made:
                say_json(each)
    except ValueError as error:
        complain(f"{error}. Write an example by hand instead: see examples/ beside the schema")
        raise typer.Exit(1) from error
