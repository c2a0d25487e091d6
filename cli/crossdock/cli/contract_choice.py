"""Finds the contract that a command is about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from crossdock.contracts import Contract, Registry


def loaded_contracts(project: Path) -> Registry:
    """Return the contracts of a project; ends the command with 2 when they cannot be used."""
    from crossdock.cli.console import complain
    from crossdock.contracts import Halt
    from crossdock.mesh.project.contract_files import load_contracts

    try:
        return load_contracts(project)
    except Halt as error:
        complain(error.reason, error.problems)
        raise typer.Exit(2) from error


def chosen_contract(registry: Registry, reference: str) -> Contract:
    """Return the version that ``NAME`` or ``NAME@RANGE`` means; ends the command with 2 if none."""
    from crossdock.cli.console import complain
    from crossdock.contracts import ContractRef, Halt, Reject

    try:
        contract = registry.resolve(ContractRef.parse(reference))
        contract.compile()
    except (ValueError, Reject) as error:
        complain(str(error))
        raise typer.Exit(2) from error
    except Halt as error:
        complain(error.reason, error.problems)
        raise typer.Exit(2) from error
    return contract
