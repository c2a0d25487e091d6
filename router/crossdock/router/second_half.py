"""How a route sends: at once, or in its second half: a group is complete, or a time has come."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from crossdock.contracts import Message, Reject
from crossdock.contracts.replying import REPLY
from crossdock.contracts.slips import NEXT
from crossdock.mesh.expression import Json
from crossdock.mesh.groups.state import read_completed
from crossdock.mesh.message_view import attributes_of
from crossdock.router.aggregating import Aggregator
from crossdock.router.children import children_of
from crossdock.router.choosing import branches_for
from crossdock.router.compiled import CompiledRoute
from crossdock.router.compiled_branch import CompiledBranch
from crossdock.router.decision import (
    NO_BRANCH,
    NO_DESTINATION,
    NO_MORE_STOPS,
    NOBODY_WAITS,
    Decision,
)
from crossdock.router.delaying import resume
from crossdock.router.flow import MAX_PARTS, Child, Flow, Run


def variables_of(route: CompiledRoute, message: Message) -> dict[str, Json]:
    """Return the variables that expressions know from the start."""
    return {"message": attributes_of(message)} if route.uses_message else {}


def when_due(route: CompiledRoute, message: Message) -> Decision:
    """Decide where a message goes whose time has come: the second half of its route."""
    run = None
    try:
        resumed = resume(message, route.registry)
        run = Run(resumed.message, resumed.accepted)
        if resumed.discarded:
            return filtered(run, resumed.discarded)
        variables = resumed.flow.variables | variables_of(route, resumed.message)
        flow = msgspec.structs.replace(resumed.flow, variables=variables)
        return sent(route, [flow], run)
    except Reject as error:
        return Decision(
            outcome="rejected",
            conditions=() if run is None else tuple(run.conditions),
            reason=error.reason,
            problems=error.problems,
        )


def of_group(route: CompiledRoute, aggregate: Aggregator, message: Message) -> Decision:
    """Decide what becomes of a complete group: the second half of its route."""
    run = Run(message, aggregate.contract)
    try:
        group = read_completed(message.data)
        if group.discarded:
            return filtered(run, group.discarded)
        flow = aggregate.flow_of(group)
        variables = {
            "group": {"key": group.key, "count": len(group.members), "reason": group.reason}
        }
        flow = msgspec.structs.replace(flow, variables=variables | variables_of(route, message))
        said = f"complete by {group.reason}, {len(group.members)} members"
        decision = sent(route, [flow], run)
        reason = f"{said}; {decision.reason}" if decision.reason else said
        return msgspec.structs.replace(decision, reason=reason)
    except msgspec.DecodeError as error:
        return Decision(outcome="rejected", reason=f"not a group: {error}")
    except Reject as error:
        return Decision(
            outcome="rejected",
            conditions=tuple(run.conditions),
            reason=error.reason,
            problems=error.problems,
        )


def sent(route: CompiledRoute, flows: list[Flow], run: Run) -> Decision:
    """Send parts to the branches that want them."""
    children: list[Child] = []
    taken: dict[str, CompiledBranch] = {}
    for each in flows:
        branches = branches_for(route, each, run)
        children += children_of(route, run.message, run.accepted, each, branches)
        taken.update({branch.name: branch for branch in branches})
        if len(children) > MAX_PARTS:
            raise Reject(f"more than {MAX_PARTS} messages would be sent for this one")
    if not children:
        return filtered(run, nothing_sent(taken.values()))
    return Decision(
        outcome="routed",
        children=(*run.taps, *children),
        conditions=tuple(run.conditions),
        branches=tuple(taken),
        steps=tuple(run.ran),
    )


def nothing_sent(branches: Iterable[CompiledBranch]) -> str:
    """Say why branches that were taken sent nothing."""
    targets = [target.destination for each in branches for target in each.targets]
    if REPLY in targets:
        return NOBODY_WAITS
    if NEXT in targets:
        return NO_MORE_STOPS
    return NO_DESTINATION if targets else NO_BRANCH


def filtered(run: Run, reason: str) -> Decision:
    """Return the decision that a message ends here."""
    return Decision(
        outcome="filtered",
        children=tuple(run.taps),
        conditions=tuple(run.conditions),
        steps=tuple(run.ran),
        reason=reason,
    )
