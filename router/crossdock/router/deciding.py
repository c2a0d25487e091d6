"""What a route makes of a message: a pure function of the two, and of the answers that it asks."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from crossdock.contracts import Contract, Message, Problem, Reject
from crossdock.contracts.expiry import EXPIRY, is_expired
from crossdock.mesh.expression import Json
from crossdock.mesh.groups import GROUP_TYPE, Arrival
from crossdock.mesh.groups.state import read_completed
from crossdock.router.aggregating import Aggregator
from crossdock.router.children import children_of
from crossdock.router.choosing import branches_for, choose, holds
from crossdock.router.compiled import CompiledRoute
from crossdock.router.conditions import Condition
from crossdock.router.delaying import DELAYED_TYPE, Held, resume
from crossdock.router.driving import drive
from crossdock.router.effects import Answer, Deciding, Effect
from crossdock.router.flow import MAX_PARTS, Child, Flow, Ran, Run, walk
from crossdock.router.resequencing import next_in_turn

WHERE = "where does not hold"
NO_BRANCH = "no branch holds"
EXPIRED = "expired"
NO_DESTINATION = "no destination was chosen"
NOT_ACCEPTED = "contract or version is not accepted by this route"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a route made of one message. Holds no payload except in the children's data.

    Attributes:
        outcome: ``routed`` went to a branch; ``grouped`` joins a group; ``delayed`` waits for its
            time; ``filtered`` is done with; ``rejected`` can never be processed as it is and
            becomes a dead letter.
        children: What to publish: all of it or nothing. One that is filtered may have some, too: a
            tap sends its copy whatever becomes of the message.
        conditions: Those that were evaluated, in order; the others were not needed. Where a message
            was split, each outcome of a condition is there once.
        branches: Those that were taken: ``send/0``.
        steps: Those that ran, in the order of the file.
        reason: One line for a person: why it was filtered or rejected, or why a group is complete.
        problems: Everything that is wrong with the data, of a rejected one.
        arrivals: What joins groups, of a grouped one.
        held: What waits, of a delayed one.
    """

    outcome: Literal["routed", "grouped", "delayed", "filtered", "rejected"]
    children: tuple[Child, ...] = ()
    conditions: tuple[Condition, ...] = ()
    branches: tuple[str, ...] = ()
    steps: tuple[Ran, ...] = ()
    reason: str = ""
    problems: tuple[Problem, ...] = ()
    arrivals: tuple[Arrival, ...] = ()
    held: tuple[Held, ...] = ()


def decide(route: CompiledRoute, message: Message) -> Decision:
    """Decide what a route makes of a message, when it asks for nothing else.

    The same route and message give the same decision, down to ids and bytes (I4), unless an
    expression asks for the time or for chance. Never raises because of the data.

    Args:
        route: A route that does not ask; one that does needs :func:`deciding`.
        message: The message.

    Raises:
        Retry: When the machine was too busy to run an expression in its time.
    """
    if not route.straight:
        return drive(deciding(route, message), _unasked)
    contract = route.accepted.get(message.dataschema)
    if contract is None or contract.name != message.type:
        return _not_accepted(route, message)
    value, problems = contract.decode(message.data)
    if problems:
        return _breaks(contract, problems)
    return _straight(route, message, contract, value)


def deciding(route: CompiledRoute, message: Message) -> Deciding[Decision]:
    """Decide what any route makes of a message, asking for what it needs from outside.

    The same route, message and answers give the same decision. Never raises because of the data.

    Raises:
        CrossdockError: What an answer leads to, other than Reject; Retry also when the machine was
            too busy to run an expression in its time.
    """
    if route.delay is not None and message.type == DELAYED_TYPE:
        return _when_due(route, message)
    if route.grouping is None or message.type != GROUP_TYPE:
        return (yield from _of_message(route, message, waits=route.resequence is not None))
    if route.aggregate is not None:
        return _of_group(route, route.aggregate, message)
    try:
        return (yield from _of_message(route, next_in_turn(message), waits=False))
    except Reject as error:
        return Decision(outcome="rejected", reason=error.reason)


def _of_message(route: CompiledRoute, message: Message, *, waits: bool) -> Deciding[Decision]:
    """Decide what becomes of a message.

    Args:
        route: The route.
        message: The message.
        waits: Whether its turn has still to come.
    """
    contract = route.accepted.get(message.dataschema)
    if contract is None or contract.name != message.type:
        return _not_accepted(route, message)
    value, problems = contract.decode(message.data)
    if problems:
        return _breaks(contract, problems)
    run = Run(message, contract)
    flow = Flow(
        data=value,
        raw=message.data,
        contract=contract,
        variables=_variables(route, message),
    )
    try:
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


def attributes_of(message: Message) -> dict[str, Json]:
    """Return what expressions know as ``$message``."""
    return {
        "id": message.id,
        "source": message.source,
        "type": message.type,
        "dataschema": message.dataschema,
        "time": message.time,
        "subject": message.subject,
        "extensions": message.extensions,
    }


def _unasked(effect: Effect) -> Answer:
    raise TypeError(f"{effect.step} asks: use deciding()")


def _straight(route: CompiledRoute, message: Message, contract: Contract, value: Json) -> Decision:
    """Decide on a valid message of a route without steps."""
    conditions: list[Condition] = []
    try:
        branches = choose(route, value, conditions)
        flow = Flow(data=value, raw=message.data, contract=contract)
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
        chosen = NO_DESTINATION if branches else NO_BRANCH
        return Decision(
            outcome="filtered", conditions=tuple(conditions), reason=WHERE if where else chosen
        )
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
    if route.delay is not None:
        held = tuple([route.delay.hold(run.message, each, route.source) for each in flows])
        return _kept(run, held)
    return _sent(route, flows, run)


def _grouped(aggregate: Aggregator, flows: list[Flow], run: Run) -> Decision:
    return Decision(
        outcome="grouped",
        children=tuple(run.taps),
        conditions=tuple(run.conditions),
        steps=tuple(run.ran),
        arrivals=tuple([aggregate.arrival(run.message, flow) for flow in flows]),
    )


def _kept(run: Run, held: tuple[Held, ...]) -> Decision:
    return Decision(
        outcome="delayed",
        children=tuple(run.taps),
        conditions=tuple(run.conditions),
        steps=tuple(run.ran),
        held=held,
    )


def _when_due(route: CompiledRoute, message: Message) -> Decision:
    """Decide where a message goes whose time has come: the second half of its route."""
    run = None
    try:
        resumed = resume(message, route.registry)
        run = Run(resumed.message, resumed.accepted)
        variables = resumed.flow.variables | _variables(route, resumed.message)
        flow = msgspec.structs.replace(resumed.flow, variables=variables)
        return _sent(route, [flow], run)
    except Reject as error:
        return Decision(
            outcome="rejected",
            conditions=() if run is None else tuple(run.conditions),
            reason=error.reason,
            problems=error.problems,
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
    taken: dict[str, None] = {}
    for each in flows:
        branches = branches_for(route, each, run)
        children += children_of(route, run.message, run.accepted, each, branches)
        taken.update(dict.fromkeys(branch.name for branch in branches))
        if len(children) > MAX_PARTS:
            raise Reject(f"more than {MAX_PARTS} messages would be sent for this one")
    if not children:
        return _filtered(run, NO_DESTINATION if taken else NO_BRANCH)
    return Decision(
        outcome="routed",
        children=(*run.taps, *children),
        conditions=tuple(run.conditions),
        branches=tuple(taken),
        steps=tuple(run.ran),
    )


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
    return Decision(outcome="filtered", reason=NOT_ACCEPTED)


def _breaks(contract: Contract, problems: list[Problem]) -> Decision:
    reason = f"data breaks {contract.dataschema}"
    return Decision(outcome="rejected", reason=reason, problems=tuple(problems))
