"""Checks the conditions of a route together: what holds never, always, or where no branch does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from crossdock.router.checking.cases import Case, Path, at, compared, split
from crossdock.router.checking.comparing import kind_name, listed
from crossdock.router.checking.finding import Finding
from crossdock.router.checking.inference import infer
from crossdock.router.checking.trees import Tree
from crossdock.router.checking.types import Bool, Number, Text, Type, Unknown, truth
from crossdock.router.checking.world import Arm, World

_TESTS: Final = 2
_BOTH: Final = frozenset({True, False})


def check_condition(arm: Arm, world: World) -> list[Finding]:
    """Tell what is wrong with one condition by itself."""
    if arm.tree is None or arm.told:
        return []
    cases = split(world.data, compared(arm.tree))
    outcomes = {each for case in cases for each in _truth(arm, case.data, world)}
    if outcomes == {False}:
        return [_never("no message that the contract accepts")]
    if outcomes == {True}:
        message = "holds for every message that the contract accepts: leave it out"
        return [Finding(code="always-true", message=message, warning=True)]
    return _not_boolean(arm.tree, world)


def unreachable(arms: Sequence[Arm | None], world: World) -> Iterator[tuple[int, Finding]]:
    """Find branches that take nothing because those before them take all that they would.

    Args:
        arms: Condition of each branch in order; None for one that always holds.
        world: What they are judged in.

    Yields:
        Which branch, and what is wrong.
    """
    if list(arms) == [None]:
        return
    cases = _cases([*world.gates, *arms], world)
    reached = [case for case in cases if True in _passes(case, world)]
    taken = [[_BOTH for _ in arms] for _ in reached]
    for row, case in zip(taken, reached, strict=True):
        row[:] = [frozenset({True}) if a is None else _truth(a, case.data, world) for a in arms]
    for number, arm in enumerate(arms):
        if arm is not None and arm.told:
            continue
        if arm is not None and reached and all(row[number] == {False} for row in taken):
            if any(_truth(arm, case.data, world) != {False} for case in cases):
                yield number, _never("no message that `where` lets pass")
            continue
        before = [row[:number] for row in taken if True in row[number]]
        if before and all(frozenset({True}) in row for row in before):
            message = "never reached: the branches before it take every message that it would"
            yield number, Finding(code="unreachable-branch", message=message)


def uncovered(arms: Sequence[Arm], world: World) -> Iterator[Finding]:
    """Find values of an enum that no branch takes, where at least two branches ask for it."""
    fields = [compared(arm.tree) if arm.tree is not None else {} for arm in arms]
    cases = _cases([*world.gates, *arms], world)
    asked = {path for each in fields for path, values in each.items() if values}
    for path in sorted(asked):
        values = _values(world.data, path)
        tests = sum(1 for each in fields if each.get(path))
        if values and tests >= _TESTS:
            missed = [v for v in values if _is_missed(v, path, cases, arms, world)]
            if missed:
                yield Finding(
                    code="uncovered-enum",
                    message=f"no branch takes {'.'.join(path)} = {listed(missed)}: add a branch "
                    "with `else: true`, or say in `where` that they are not wanted",
                )


def _is_missed(
    value: str, path: Path, cases: list[Case], arms: Sequence[Arm], world: World
) -> bool:
    asks = any(path in compared(gate.tree) for gate in world.gates if gate.tree is not None)
    missed = False
    for case in cases:
        if path not in case.picked or not _is(case.picked[path], value):
            continue
        passes = _passes(case, world)
        if passes == {False}:
            continue
        if passes == _BOTH and asks:
            return False  # `where` may be what keeps it out
        if any(_truth(arm, case.data, world) != {False} for arm in arms):
            return False
        missed = True
    return missed


def _passes(case: Case, world: World) -> frozenset[bool]:
    """Return whether what held on the way here may hold in a case."""
    outcomes = [_truth(gate, case.data, world) for gate in world.gates]
    if any(each == {False} for each in outcomes):
        return frozenset({False})
    return _BOTH if any(False in each for each in outcomes) else frozenset({True})


def _cases(arms: Sequence[Arm | None], world: World) -> list[Case]:
    fields: dict[Path, set[str | float]] = {}
    for arm in arms:
        if arm is not None and arm.tree is not None:
            for path, values in compared(arm.tree).items():
                fields.setdefault(path, set()).update(values)
    return split(world.data, fields)


def _truth(arm: Arm, data: Type, world: World) -> frozenset[bool]:
    if arm.tree is None:
        return _BOTH
    return truth(infer(arm.tree, msgspec.structs.replace(world, data=data), tells=False).type)


def _values(data: Type, path: Path) -> list[str]:
    """Return the values of an enum; nothing when the field is none."""
    found = at(data, path)
    kinds = () if found is None else found.present.kinds
    texts = [each.values for each in kinds if isinstance(each, Text)]
    known = texts[0] if len(texts) == 1 and texts[0] is not None else frozenset()
    return sorted(known) if len(known) > 1 else []


def _is(picked: Type, value: str) -> bool:
    return any(
        isinstance(each, Text) and each.values == frozenset({value}) for each in picked.kinds
    )


def _never(of: str) -> Finding:
    message = f"holds for {of}: correct it, or remove it"
    return Finding(code="never-true", message=message)


def _not_boolean(tree: Tree, world: World) -> list[Finding]:
    found = infer(tree, world).type
    plain = not any(isinstance(each, Bool | Unknown) for each in found.kinds)
    if found.may_miss or not plain:
        return []  # whether an optional field is there is a fair question
    test = " > 0" if any(isinstance(each, Number) for each in found.kinds) else ' != ""'
    message = f"is {kind_name(found)}, not true or false: write a comparison, such as{test}"
    return [Finding(code="condition-not-boolean", message=message, warning=True)]
