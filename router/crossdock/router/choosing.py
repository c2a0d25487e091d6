"""Which branches of a route a message takes."""

from __future__ import annotations

from crossdock.mesh.expression import Json
from crossdock.router.compiled import CompiledRoute
from crossdock.router.compiled_branch import CompiledBranch
from crossdock.router.conditions import Condition, Guard
from crossdock.router.flow import Flow, Run


def choose(
    route: CompiledRoute,
    value: Json,
    conditions: list[Condition],
) -> list[CompiledBranch]:
    """Return the branches to take; note each condition that is evaluated."""
    where = route.where
    if where is not None:
        held = where.expression.holds(value)
        conditions.append(where.held if held else where.failed)
        if not held:
            return []
    chosen: list[CompiledBranch] = []
    for branch in route.branches:
        guard = branch.guard
        if guard is not None:
            held = guard.expression.holds(value)
            conditions.append(guard.held if held else guard.failed)
        else:
            held = not (branch.otherwise and chosen)
        if held:
            chosen.append(branch)
            if not route.send_all:
                break
    return chosen


def branches_for(route: CompiledRoute, flow: Flow, run: Run) -> list[CompiledBranch]:
    """Return the branches that a message or a part of one takes."""
    chosen: list[CompiledBranch] = []
    for branch in route.branches:
        if branch.guard is not None:
            held = holds(branch.guard, flow, run)
        else:
            held = not (branch.otherwise and chosen)
        if held:
            chosen.append(branch)
            if not route.send_all:
                break
    return chosen


def holds(guard: Guard, flow: Flow, run: Run) -> bool:
    """Tell whether a condition holds for a message or a part of one; note it."""
    held = guard.expression.holds(flow.data, flow.variables or None)
    run.conditions[guard.held if held else guard.failed] = None
    return held
