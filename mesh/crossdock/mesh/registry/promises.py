"""What was published once does not change: others have built on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from crossdock.contracts import Problem
from crossdock.contracts.compatibility import Mode, Step, steps
from crossdock.mesh.project.contract_files import ContractFile

_SHOWN = 3


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How a version that is new stands to one that was published.

    Attributes:
        file: The new version's file.
        text: What it keeps or breaks, in one line.
        problems: What it breaks although it must not; none when it may be published.
    """

    file: str
    text: str
    problems: tuple[Problem, ...] = ()


def judge(
    before: Iterable[ContractFile],
    after: Sequence[ContractFile],
    mode_of: Callable[[str], str],
) -> list[Verdict]:
    """Judge each version that is new to a contract that was published.

    Args:
        before: Contracts of the revision that holds.
        after: Contracts of the one that is to follow; each compiles.
        mode_of: Returns what the versions of a contract have to keep, by its name.
    """
    published = {(each.contract.name, each.contract.version) for each in before}
    known = {name for name, _ in published}
    fresh = {
        key: each.file
        for each in after
        if (key := (each.contract.name, each.contract.version)) not in published
        and each.contract.name in known
    }
    verdicts = []
    for name in sorted({name for name, _ in fresh}):
        versions = [each.contract for each in after if each.contract.name == name]
        for step in steps(versions, Mode(mode_of(name))):
            file = fresh.get((name, step.new.version)) or fresh.get((name, step.old.version))
            if file is not None:
                verdicts.append(_verdict(step, file))
    return verdicts


def _verdict(step: Step, file: str) -> Verdict:
    what = f"{step.new.name} {step.new.version}"
    if not step.breaking:
        return Verdict(file=file, text=f"keeps {step.mode} towards {step.old.version}")
    text = f"breaks {step.mode} towards {step.old.version}"
    if not step.refused:
        return Verdict(file=file, text=f"{text}, as this version may")
    problems = [
        Problem(
            message=f"{what} {text}: {each.why}",
            pointer=each.pointer,
            keyword=each.code,
            place=f"{file}:1",
        )
        for each in step.breaking[:_SHOWN]
    ]
    more = len(step.breaking) - _SHOWN
    if more > 0:
        text = f"{text} in {more} more places: see crossdock contract compat {step.new.name}"
        problems.append(Problem(message=f"{what} {text}", place=f"{file}:1"))
    return Verdict(file=file, text=text, problems=tuple(problems))


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
