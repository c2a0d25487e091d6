"""What was published once does not change: others have built on it."""

from __future__ import annotations

from collections.abc import Iterable

from crossdock.contracts import Problem
from crossdock.mesh.project.contract_files import ContractFile


def broken_promises(before: Iterable[ContractFile], after: Iterable[ContractFile]) -> list[Problem]:
    """Return the versions of contracts that were published and would change or go away.

    How a schema is written may change, not what it says.

    Args:
        before: Contracts of the revision that holds.
        after: Contracts of the one that is to follow.
    """
    then = {(each.contract.name, each.contract.version): each.contract for each in after}
    problems = []
    for each in before:
        contract = each.contract
        name = f"{contract.name} {contract.version}"
        found = then.get((contract.name, contract.version))
        if found is None:
            text = f"{name} was published, and messages may name it: keep it"
        elif found.schema != contract.schema:
            text = f"{name} was published, so it stays as it is: make a new version"
        else:
            continue
        problems.append(Problem(message=text, place=f"{each.file}:1", keyword="published"))
    return problems
