"""What a route makes of a message: a pure function of the two."""

from __future__ import annotations

from typing import Literal

import msgspec

from crossdock.contracts import Contract, Message, Problem, Reject, child_id
from crossdock.contracts.message import JSON
from crossdock.mesh.exact_numbers import inexact_number
from crossdock.mesh.expression import Json
from crossdock.router.compiled import CompiledBranch, CompiledRoute, Condition

WHERE = "where does not hold"
NO_BRANCH = "no branch holds"
NOT_ACCEPTED = "contract or version is not accepted by this route"


class Child(msgspec.Struct, frozen=True):
    """One message that a route makes.

    Attributes:
        destination: Where it goes.
        message: What goes there.
    """

    destination: str
    message: Message


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a route made of one message. Holds no payload except in the children's data.

    Attributes:
        outcome: ``routed`` has children; ``filtered`` is done with; ``rejected`` can never be
            processed as it is and becomes a dead letter.
        children: What to publish: all of it or nothing.
        conditions: Those that were evaluated, in order; the others were not needed.
        branches: Those that were taken: ``send/0``.
        reason: One line for a person: why it was filtered or rejected.
        problems: Everything that is wrong with the data, of a rejected one.
    """

    outcome: Literal["routed", "filtered", "rejected"]
    children: tuple[Child, ...] = ()
    conditions: tuple[Condition, ...] = ()
    branches: tuple[str, ...] = ()
    reason: str = ""
    problems: tuple[Problem, ...] = ()


def decide(route: CompiledRoute, message: Message) -> Decision:
    """Decide what a route makes of a message.

    The same route and message give the same decision, down to ids and bytes (I4), unless an
    expression asks for the time or for chance. Never raises because of the data.

    Raises:
        Retry: When the machine was too busy to run an expression in its time.
    """
    contract = route.accepted.get(message.dataschema)
    if contract is None or contract.name != message.type:
        return _not_accepted(route, message)
    value, problems = contract.decode(message.data)
    if problems:
        return _rejected(f"data breaks {contract.dataschema}", problems)
    conditions: list[Condition] = []
    try:
        branches = _choose(route, value, conditions)
        if not branches:
            where = route.where is not None and not conditions[0].held
            return Decision(
                outcome="filtered",
                conditions=tuple(conditions),
                reason=WHERE if where else NO_BRANCH,
            )
        children = _children(route, message, contract, value, branches)
    except Reject as error:
        return Decision(
            outcome="rejected",
            conditions=tuple(conditions),
            reason=error.reason,
            problems=error.problems,
        )
    return Decision(
        outcome="routed",
        children=children,
        conditions=tuple(conditions),
        branches=tuple([branch.name for branch in branches]),
    )


def _not_accepted(route: CompiledRoute, message: Message) -> Decision:
    """Refuse what nobody knows (I5); let go what is another route's: another version, say."""
    try:
        route.registry.of_message(message)
    except Reject as error:
        return Decision(outcome="rejected", reason=error.reason, problems=error.problems)
    return Decision(outcome="filtered", reason=NOT_ACCEPTED)


def _rejected(reason: str, problems: list[Problem]) -> Decision:
    return Decision(outcome="rejected", reason=reason, problems=tuple(problems))


def _choose(
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


def _children(
    route: CompiledRoute,
    message: Message,
    contract: Contract,
    value: Json,
    branches: list[CompiledBranch],
) -> tuple[Child, ...]:
    """Make the messages of the branches that are taken.

    Raises:
        Reject: When one of them cannot be made: then none is (all or nothing).
    """
    extensions = {
        **message.extensions,
        "correlationid": message.correlation,
        "causationid": message.id,
    }
    children = []
    for branch in branches:
        sent = branch.contract or contract
        data = _data(branch, sent, message, contract, value)
        for target in branch.targets:
            child = Message(
                id=child_id(
                    message.source, message.id, route.name, target.destination, target.index
                ),
                source=route.source,
                type=sent.name,
                data=data,
                dataschema=sent.dataschema,
                datacontenttype=message.datacontenttype if branch.mapping is None else JSON,
                time=message.time,
                subject=message.subject,
                extensions=extensions,
            )
            children.append(Child(target.destination, child))
    return tuple(children)


def _data(
    branch: CompiledBranch,
    sent: Contract,
    message: Message,
    contract: Contract,
    value: Json,
) -> bytes:
    """Return the data that a branch sends, checked against its contract."""
    if branch.mapping is None:
        result, data = value, message.data  # the very bytes: nothing is decoded and encoded again
        if sent is contract:
            return data
    else:
        inexact = inexact_number(message.data, value)
        if inexact is not None:
            raise Reject.of(f"{branch.name}: cannot be mapped", [inexact])
        result, data = branch.mapping.transform(value)
    problems = sent.problems(result)
    if problems:
        raise Reject.of(f"{branch.name}: its result breaks {sent.dataschema}", problems)
    return data
