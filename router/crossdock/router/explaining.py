"""Why a route did what it did with a message: its decision once more, told condition by condition.

Nothing of this is recorded when the route runs: the original message is still in its stream, and
the route as it was is kept (ADR 0009). Deciding is pure, so deciding again tells the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from crossdock.contracts import Message, Problem
from crossdock.contracts.masking import masked
from crossdock.mesh.expression import Json
from crossdock.router.compiled import CompiledBranch, CompiledRoute
from crossdock.router.conditions import Guard
from crossdock.router.deciding import Decision, decide
from crossdock.router.seen_values import Seen, seen_values


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One condition, or one branch, and what came of it.

    Attributes:
        place: Where it stands in the route: ``where``, ``send/0``.
        condition: Its text; ``""`` for a branch without one.
        held: Whether it held; None when it was not looked at.
        values: The fields that it looked at.
        taken: Whether the branch was taken; None for what is no branch.
        why: Why a branch was taken or not.
        to: Destinations of the branch.
        contract: ``dataschema`` of what it sends; ``""`` for that of the message.
    """

    place: str
    condition: str = ""
    held: bool | None = None
    values: tuple[Seen, ...] = ()
    taken: bool | None = None
    why: str = ""
    to: tuple[str, ...] = ()
    contract: str = ""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a route did what it did.

    Attributes:
        outcome: ``routed``, ``grouped``, ``filtered`` or ``rejected``.
        reason: Why it was filtered or rejected.
        problems: All that is wrong with a rejected one.
        told: The conditions and branches, in the order of the route.
        children: Destination and id of each message that was made of it.
    """

    outcome: str
    reason: str = ""
    problems: tuple[Problem, ...] = ()
    told: tuple[Told, ...] = ()
    children: tuple[tuple[str, str], ...] = ()


def explain(route: CompiledRoute, message: Message, personal: Sequence[str] = ()) -> Explanation:
    """Decide once more, and tell why.

    Args:
        route: The route.
        message: The message as it came in.
        personal: JSON Pointers into its data of what no one is shown (I6).

    Raises:
        Retry: When the machine was too busy to run an expression in its time.
    """
    decision = decide(route, message)
    document = _document(route, message, personal)
    return Explanation(
        outcome=decision.outcome,
        reason=decision.reason,
        problems=decision.problems,
        told=(*_where(route, decision, document), *_rest(route, decision, document)),
        children=tuple((each.destination, each.message.id) for each in decision.children),
    )


def _document(route: CompiledRoute, message: Message, personal: Sequence[str]) -> Json:
    contract = route.accepted.get(message.dataschema)
    return None if contract is None else masked(contract.decode(message.data)[0], personal)


def _where(route: CompiledRoute, decision: Decision, document: Json) -> list[Told]:
    if route.where is None:
        return []
    held = _held(decision, "where")
    text = route.where.expression.text
    return [Told(place="where", condition=text, held=held, values=_seen(route.where, document))]


def _rest(route: CompiledRoute, decision: Decision, document: Json) -> list[Told]:
    if decision.outcome == "grouped":
        why = "it joins the group of its key; the branches are for the group"
        return [Told(place="aggregate", taken=True, why=why)]
    return _branches(route, decision, document)


def _branches(route: CompiledRoute, decision: Decision, document: Json) -> list[Told]:
    taken = set(decision.branches) or {
        each.branch for each in decision.conditions if each.held and each.branch != "where"
    }
    told = []
    for branch in route.branches:
        held = _held(decision, branch.name)
        told.append(
            Told(
                place=branch.name,
                condition="" if branch.guard is None else branch.guard.expression.text,
                held=held,
                values=() if held is None else _seen(branch.guard, document),
                taken=branch.name in taken,
                why=_why(route, branch, decision, held=held, taken=taken),
                to=tuple(each.destination for each in branch.targets),
                contract="" if branch.contract is None else branch.contract.dataschema,
            )
        )
    return told


def _why(
    route: CompiledRoute,
    branch: CompiledBranch,
    decision: Decision,
    *,
    held: bool | None,
    taken: set[str],
) -> str:
    if branch.name in taken:
        return _why_taken(branch, held=held)
    if held is False:
        return "its condition does not hold"
    if _held(decision, "where") is False:
        return "not looked at: where does not hold"
    first = next((each.name for each in route.branches if each.name in taken), None)
    if first is None:
        return "not looked at: the message was refused before"
    rule = "" if branch.otherwise else ", and the first that holds is taken"
    return f"not looked at: {first} holds{rule}"


def _why_taken(branch: CompiledBranch, *, held: bool | None) -> str:
    if held:
        return "its condition holds"
    return "no other branch holds" if branch.otherwise else "it has no condition"


def _held(decision: Decision, place: str) -> bool | None:
    return next((each.held for each in decision.conditions if each.branch == place), None)


def _seen(guard: Guard | None, document: Json) -> tuple[Seen, ...]:
    return () if guard is None else seen_values(guard.expression.text, document)
