"""What a route makes of a message: a pure function of the two, and of the answers that it asks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from crossdock.contracts import Contract, Message, Problem, Reject
from crossdock.contracts.expiry import EXPIRY, is_expired
from crossdock.contracts.replying import REPLY
from crossdock.contracts.slips import NEXT
from crossdock.mesh.expression import Json
from crossdock.mesh.groups import GROUP_TYPE, Arrival
from crossdock.mesh.groups.state import read_completed
from crossdock.mesh.message_view import attributes_of
from crossdock.mesh.ordering import KEY
from crossdock.router.aggregating import Aggregator
from crossdock.router.children import children_of
from crossdock.router.choosing import branches_for, choose, holds
from crossdock.router.compiled import CompiledRoute
from crossdock.router.compiled_branch import CompiledBranch
from crossdock.router.conditions import Condition
from crossdock.router.driving import drive
from crossdock.router.effects import Answer, Deciding, Effect
from crossdock.router.flow import MAX_PARTS, NO_DETOURS, Child, Flow, Ran, Run, walk
from crossdock.router.resequencing import next_in_turn
from crossdock.router.steps.detour import Switched

WHERE = "where does not hold"
NO_BRANCH = "no branch holds"
EXPIRED = "expired"
NO_DESTINATION = "no destination was chosen"
NO_MORE_STOPS = "its routing slip is at its end, or it has none"
NOBODY_WAITS = "nobody waits for a reply: the message has no return address"
NOT_ACCEPTED = "contract or version is not accepted by this route"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a route made of one message. Holds no payload except in the children's data.

    Attributes:
        outcome: ``routed`` went to a branch; ``grouped`` joins a group; ``filtered`` is done with;
            ``rejected`` can never be processed as it is and becomes a dead letter.
        children: What to publish: all of it or nothing. One that is filtered may have some, too: a
            tap sends its copy whatever becomes of the message.
        conditions: Those that were evaluated, in order; the others were not needed. Where a message
            was split, each outcome of a condition is there once.
        branches: Those that were taken: ``send/0``.
        steps: Those that ran, in the order of the file.
        reason: One line for a person: why it was filtered or rejected, or why a group is complete.
        problems: Everything that is wrong with the data, of a rejected one.
        arrivals: What joins groups, of a grouped one.
    """

    outcome: Literal["routed", "grouped", "filtered", "rejected"]
    children: tuple[Child, ...] = ()
    conditions: tuple[Condition, ...] = ()
    branches: tuple[str, ...] = ()
    steps: tuple[Ran, ...] = ()
    reason: str = ""
    problems: tuple[Problem, ...] = ()
    arrivals: tuple[Arrival, ...] = ()


def decide(route: CompiledRoute, message: Message, detours: Switched = NO_DETOURS) -> Decision:
    """Decide what a route makes of a message, when it asks for nothing else.

    The same route and message give the same decision, down to ids and bytes (I4), unless an
    expression asks for the time or for chance. Never raises because of the data.

    Args:
        route: A route that does not ask; one that does needs :func:`deciding`.
        message: The message.
        detours: Which detours are taken; the others are as the route file says.

    Raises:
        Retry: When the machine was too busy to run an expression in its time.
    """
    if not route.straight:
        return drive(deciding(route, message, detours), _unasked)
    contract = route.accepted.get(message.dataschema)
    if contract is None or contract.name != message.type:
        return _not_accepted(route, message)
    value, problems = contract.decode(message.data)
    if problems:
        return _breaks(contract, problems)
    return _straight(route, message, contract, value)


def deciding(
    route: CompiledRoute, message: Message, detours: Switched = NO_DETOURS
) -> Deciding[Decision]:
    """Decide what any route makes of a message, asking for what it needs from outside.

    The same route, message, detours and answers give the same decision. Never raises because of
    the data.

    Raises:
        CrossdockError: What an answer leads to, other than Reject; Retry also when the machine was
            too busy to run an expression in its time.
    """
    if route.grouping is None or message.type != GROUP_TYPE:
        waits = route.resequence is not None
        return (yield from _of_message(route, message, detours, waits=waits))
    if route.aggregate is not None:
        return _of_group(route, route.aggregate, message)
    try:
        return (yield from _of_message(route, next_in_turn(message), detours, waits=False))
    except Reject as error:
        return Decision(outcome="rejected", reason=error.reason)


def _of_message(
    route: CompiledRoute, message: Message, detours: Switched, *, waits: bool
) -> Deciding[Decision]:
    """Decide what becomes of a message, whose turn has still to come when it `waits`."""
    contract = route.accepted.get(message.dataschema)
    if contract is None or contract.name != message.type:
        return _not_accepted(route, message)
    value, problems = contract.decode(message.data)
    if problems:
        return _breaks(contract, problems)
    run = Run(message, contract, detours)
    try:
        variables = _variables(route, message)
        flow = Flow(
            data=value,
            raw=message.data,
            contract=contract,
            variables=variables,
            extensions=_key(route, value, variables),
        )
        if route.resequence is not None and waits:
            arrival = route.resequence.arrival(message, value, flow.variables)
            return Decision(outcome="grouped", arrivals=(arrival,))
        return (yield from _through(route, flow, run))
    except Reject as error:
        return Decision(
            outcome="rejected",
            conditions=tuple(run.conditions),
            steps=tuple(run.ran),
            reason=error.reason,
            problems=error.problems,
        )


def expired(route: CompiledRoute, message: Message, now: datetime) -> Decision | None:
    """Return what becomes of a message that has expired; None for one that is still wanted.

    Args:
        route: The route.
        message: The message.
        now: The time.
    """
    if EXPIRY not in message.extensions:
        return None
    try:
        if not is_expired(message, now):
            return None
    except Reject as error:
        return Decision(outcome="rejected", reason=error.reason)
    return Decision(outcome="rejected" if route.buries_expired else "filtered", reason=EXPIRED)


def _variables(route: CompiledRoute, message: Message) -> dict[str, Json]:
    return {"message": attributes_of(message)} if route.uses_message else {}


def _key(route: CompiledRoute, value: Json, variables: dict[str, Json]) -> dict[str, str]:
    """Return the attribute that carries the order key on, where the route makes one (I7).

    Raises:
        Reject: The message has no key.
    """
    order = route.order
    if order is None or order.expression is None:
        return {}
    return {KEY: order.of_value(value, variables)}


def _unasked(effect: Effect) -> Answer:
    raise TypeError(f"{effect.step} asks: use deciding()")


def _straight(route: CompiledRoute, message: Message, contract: Contract, value: Json) -> Decision:
    """Decide on a valid message of a route without steps."""
    conditions: list[Condition] = []
    try:
        branches = choose(route, value, conditions)
        flow = Flow(
            data=value, raw=message.data, contract=contract, extensions=_key(route, value, {})
        )
        children = children_of(route, message, contract, flow, branches)
    except Reject as error:
        return Decision(
            outcome="rejected",
            conditions=tuple(conditions),
            reason=error.reason,
            problems=error.problems,
        )
    if not children:
        where = route.where is not None and not conditions[0].held
        reason = WHERE if where else _nothing_sent(branches)
        return Decision(outcome="filtered", conditions=tuple(conditions), reason=reason)
    return Decision(
        outcome="routed",
        children=tuple(children),
        conditions=tuple(conditions),
        branches=tuple([branch.name for branch in branches]),
    )


def _through(route: CompiledRoute, flow: Flow, run: Run) -> Deciding[Decision]:
    """Take a valid message through the route."""
    if route.where is not None and not holds(route.where, flow, run):
        return _filtered(run, WHERE)
    flows = yield from walk(route.steps, [flow], run)
    if not flows:
        last = run.ran[-1]
        return _filtered(run, f"{last.step}: nothing is left after {last.pattern}")
    if route.aggregate is not None:
        return _grouped(route.aggregate, flows, run)
    return _sent(route, flows, run)


def _grouped(aggregate: Aggregator, flows: list[Flow], run: Run) -> Decision:
    return Decision(
        outcome="grouped",
        children=tuple(run.taps),
        conditions=tuple(run.conditions),
        steps=tuple(run.ran),
        arrivals=tuple([aggregate.arrival(run.message, flow) for flow in flows]),
    )


def _of_group(route: CompiledRoute, aggregate: Aggregator, message: Message) -> Decision:
    """Decide what becomes of a complete group: the second half of its route."""
    run = Run(message, aggregate.contract)
    try:
        group = read_completed(message.data)
        flow = aggregate.flow_of(group)
        variables = {
            "group": {"key": group.key, "count": len(group.members), "reason": group.reason}
        }
        flow = msgspec.structs.replace(flow, variables=variables | _variables(route, message))
        said = f"complete by {group.reason}, {len(group.members)} members"
        decision = _sent(route, [flow], run)
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


def _sent(route: CompiledRoute, flows: list[Flow], run: Run) -> Decision:
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
        return _filtered(run, _nothing_sent(taken.values()))
    return Decision(
        outcome="routed",
        children=(*run.taps, *children),
        conditions=tuple(run.conditions),
        branches=tuple(taken),
        steps=tuple(run.ran),
    )


def _nothing_sent(branches: Iterable[CompiledBranch]) -> str:
    """Say why branches that were taken sent nothing."""
    targets = [target.destination for each in branches for target in each.targets]
    if REPLY in targets:
        return NOBODY_WAITS
    if NEXT in targets:
        return NO_MORE_STOPS
    return NO_DESTINATION if targets else NO_BRANCH


def _filtered(run: Run, reason: str) -> Decision:
    return Decision(
        outcome="filtered",
        children=tuple(run.taps),
        conditions=tuple(run.conditions),
        steps=tuple(run.ran),
        reason=reason,
    )


def _not_accepted(route: CompiledRoute, message: Message) -> Decision:
    """Refuse what nobody knows (I5); let go what is another route's: another version, say."""
    try:
        route.registry.of_message(message)
    except Reject as error:
        return Decision(outcome="rejected", reason=error.reason, problems=error.problems)
    if route.is_stop:  # a slip has sent it here, and here alone
        return Decision(outcome="rejected", reason=NOT_ACCEPTED)
    return Decision(outcome="filtered", reason=NOT_ACCEPTED)


def _breaks(contract: Contract, problems: list[Problem]) -> Decision:
    reason = f"data breaks {contract.dataschema}"
    return Decision(outcome="rejected", reason=reason, problems=tuple(problems))
