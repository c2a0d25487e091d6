"""What a route makes of a message: a pure function of the two, and of the answers that it asks."""

from __future__ import annotations

from datetime import datetime

from crossdock.contracts import Contract, Message, Problem, Reject
from crossdock.contracts.expiry import EXPIRY, is_expired
from crossdock.mesh.expression import Json
from crossdock.mesh.groups import GROUP_TYPE
from crossdock.mesh.ordering import KEY
from crossdock.router.aggregating import Aggregator
from crossdock.router.children import children_of
from crossdock.router.choosing import choose, holds
from crossdock.router.compiled import CompiledRoute
from crossdock.router.conditions import Condition
from crossdock.router.decision import (
    EXPIRED,
    NO_BRANCH,
    NO_DESTINATION,
    NOT_ACCEPTED,
    WHERE,
    Decision,
)
from crossdock.router.delaying import DELAYED_TYPE, Held
from crossdock.router.driving import drive
from crossdock.router.effects import Answer, Deciding, Effect
from crossdock.router.flow import NO_DETOURS, Flow, Run, walk
from crossdock.router.resequencing import next_in_turn
from crossdock.router.second_half import (
    filtered,
    nothing_sent,
    of_group,
    sent,
    variables_of,
    when_due,
)
from crossdock.router.steps.detour import Switched

__all__ = [
    "EXPIRED",
    "NOT_ACCEPTED",
    "NO_BRANCH",
    "NO_DESTINATION",
    "WHERE",
    "Decision",
    "decide",
    "deciding",
    "expired",
]


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
    if route.delay is not None and message.type == DELAYED_TYPE:
        return when_due(route, message)
    if route.grouping is None or message.type != GROUP_TYPE:
        waits = route.resequence is not None
        return (yield from _of_message(route, message, detours, waits=waits))
    if route.aggregate is not None:
        return of_group(route, route.aggregate, message)
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
        variables = variables_of(route, message)
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
        chosen = nothing_sent(branches)
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
        return filtered(run, WHERE)
    flows = yield from walk(route.steps, [flow], run)
    if not flows:
        last = run.ran[-1]
        return filtered(run, f"{last.step}: nothing is left after {last.pattern}")
    if route.aggregate is not None:
        return _grouped(route.aggregate, flows, run)
    if route.delay is not None:
        held = tuple([route.delay.hold(run.message, each, route.source) for each in flows])
        return _kept(run, held)
    return sent(route, flows, run)


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
