"""Looking at a repair of a dead letter before it is kept."""

from __future__ import annotations

from pathlib import Path

from crossdock.cli.redriving import check, contract_for
from crossdock.mesh.dead_letters import DeadLetter
from crossdock.mesh.json_patch import Change, apply, changes
from crossdock.mesh.project.contract_files import load_contracts


def look(project: Path, letter: DeadLetter, patch: bytes) -> list[Change]:
    """Return what a repair changes in the original data; nothing for an empty one.

    Args:
        project: The project folder.
        letter: The dead letter.
        patch: JSON Patch; empty to undo an earlier one.

    Raises:
        Reject: It cannot be applied, or the result does not keep the contract.
        Halt: The contracts of the project cannot be used.
    """
    if not patch:
        return []
    registry = load_contracts(project)
    after = apply(letter.data, patch)
    check(letter, after, registry)
    contract = contract_for(letter, registry)
    return list(changes(letter.data, after, registry.about(contract.name).personal))
