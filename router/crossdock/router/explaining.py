"""Why a route did what it did with a message: its decision once more, told condition by condition.

Nothing of this is recorded when the route runs: the original message is still in its stream, and
the route as it was is kept (ADR 0009). Deciding is pure, so deciding again tells the same. Only
what other systems answered is not there any more: behind such a question it is told as far as the
record goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from crossdock.contracts import Contract, CrossdockError, Message, Problem
from crossdock.contracts.masking import MASK, masked
from crossdock.router.compiled import CompiledRoute
from crossdock.router.compiled_branch import CompiledBranch
from crossdock.router.conditions import Guard
from crossdock.router.deciding import Decision, deciding, expired
from crossdock.router.driving import drive
from crossdock.router.effects import Answer, Claim, Effect, Invoke
from crossdock.router.flow import NO_DETOURS, PureStep, Ran
from crossdock.router.seen_values import Seen, seen_values
from crossdock.router.steps.detour import Detour, Switched
from crossdock.router.watched import Look, Looks, watched

Children = tuple[tuple[str, str], ...]
"""Destination and id of each message that was made."""

_NOT_REACHED: Final = "not reached"
_HIDDEN: Final = f'"{MASK}"'


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One condition, step or branch, and what came of it.

    Attributes:
        place: Where it stands in the route: ``where``, ``steps/1``, ``send/0``.
        condition: Its text; ``""`` for what has none.
        held: Whether it held, for one part at least; None when it was not looked at.
        values: The fields that it looked at, of the first part that it held for, if any.
        taken: Whether the branch was taken; None for what is no branch.
        why: Why a branch was taken or not; what a step made.
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
        outcome: ``routed``, ``grouped``, ``delayed``, ``filtered`` or ``rejected``; ``""`` when it
            is not known.
        reason: Why it was filtered or rejected, or why it cannot be told.
        problems: All that is wrong with a rejected one.
        told: The conditions, steps and branches, in the order of the route.
        children: Destination and id of each message that was made of it.
    """

    outcome: str
    reason: str = ""
    problems: tuple[Problem, ...] = ()
    told: tuple[Told, ...] = ()
    children: Children = ()


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What was recorded when the route decided.

    Attributes:
        time: When.
        detail: Why, in one line.
        children: Destination and id of each message that was made.
        detours: Which detours were taken.
    """

    time: datetime
    detail: str = ""
    children: Children = ()
    detours: Switched = NO_DETOURS


def explain(
    route: CompiledRoute,
    message: Message,
    recorded: Recorded,
    personal: Sequence[str] = (),
    *,
    others: bool = False,
) -> Explanation:
    """Decide once more, and tell why.

    Args:
        route: The route.
        message: The message as it came in.
        recorded: What was recorded of it, for what cannot be decided again.
        personal: JSON Pointers into its data of what no one is shown (I6).
        others: Whether another contract of the route calls something personal, too.
    """
    told = _Telling(route, message, recorded, personal, hides_made=others or bool(personal))
    decision = told.decision
    return Explanation(
        outcome="" if decision is None else decision.outcome,
        reason=told.stopped if decision is None else decision.reason,
        problems=() if decision is None else decision.problems,
        told=(*told.where(), *told.steps(route.steps), *told.branches()),
        children=()
        if decision is None
        else tuple((each.destination, each.message.id) for each in decision.children),
    )


def contracts_of(route: CompiledRoute) -> set[str]:
    """Return the names of the contracts that the data of a route may keep on its way."""
    found = {each.name for each in route.accepted.values()}
    waiting = list(route.steps)
    while waiting:
        step = waiting.pop()
        waiting += getattr(step, "steps", ())
        made = (getattr(step, name, None) for name in ("contract", "emits"))
        found |= {each.name for each in made if isinstance(each, Contract)}
    return found if route.aggregate is None else found | {route.aggregate.contract.name}


class _Unanswered(Exception):
    """The route asks another system."""


class _Telling:
    """One decision, watched."""

    def __init__(
        self,
        route: CompiledRoute,
        message: Message,
        recorded: Recorded,
        personal: Sequence[str],
        *,
        hides_made: bool,
    ) -> None:
        contract = route.accepted.get(message.dataschema)
        self._original = None if contract is None else contract.decode(message.data)[0]
        self._route, self._looks = watched(route)
        self._personal = personal
        self._recorded = recorded
        self._hides_made = hides_made
        self._sent_to = {destination for destination, _ in recorded.children}
        self.stopped = ""
        self.decision = self._decide(message)
        self._when_due = self._decide_when_due()
        self._ran = {each.step: each for each in self.decision.steps} if self.decision else {}
        self._taken = self._taken_branches()

    def where(self) -> list[Told]:
        """Tell of the message filter."""
        guard = self._route.where
        return [] if guard is None else [self._condition(guard)]

    def steps(self, steps: tuple[PureStep, ...]) -> list[Told]:
        """Tell of each step, and of those in it."""
        told = []
        for step in steps:
            if isinstance(step, Detour):
                told += [self._detour(step), *self.steps(step.steps)]
                continue
            guard = getattr(step, "guard", None)
            ran = self._ran.get(step.name)
            why = f"{step.pattern}: {_NOT_REACHED if ran is None else _made(ran)}"
            if isinstance(guard, Guard):
                told.append(msgspec.structs.replace(self._condition(guard), why=why))
            else:
                told.append(Told(place=step.name, held=ran is not None or None, why=why))
            told += self.steps(getattr(step, "steps", ()))
        return told

    def _detour(self, step: Detour) -> Told:
        """Tell whether it was switched on."""
        ran = self._ran.get(step.name)
        if ran is None and self.decision is not None:
            return Told(place=step.name, condition=step.detour, why=f"detour: {_NOT_REACHED}")
        on = self._recorded.detours.get(step.detour, step.on)
        known = step.detour in self._recorded.detours
        why = ("on" if on else "off") if known else "as the route file says: it was not recorded"
        made = f"; {ran.given} in, {ran.made} on" if ran is not None and on else ""
        return Told(place=step.name, condition=step.detour, held=on, why=f"detour: {why}{made}")

    def branches(self) -> list[Told]:
        """Tell of each branch; of what joins a group, that it does."""
        if self.decision is not None and self.decision.outcome == "grouped":
            if self._route.aggregate is None:
                return [Told(place="resequence", taken=True, why="it goes on when its turn comes")]
            why = "it joins the group of its key; the branches are for the group"
            return [Told(place="aggregate", taken=True, why=why)]
        told = []
        if self.decision is not None and self.decision.outcome == "delayed":
            told.append(Told(place="delay", taken=True, why=self._recorded.detail))
        for branch in self._route.branches:
            found = (
                Told(place=branch.name) if branch.guard is None else self._condition(branch.guard)
            )
            told.append(
                msgspec.structs.replace(
                    found,
                    taken=branch.name in self._taken,
                    why=self._why(branch, found.held),
                    to=tuple(each.destination for each in branch.targets),
                    contract="" if branch.contract is None else branch.contract.dataschema,
                )
            )
        return told

    def _decide(self, message: Message) -> Decision | None:
        gone = expired(self._route, message, self._recorded.time)
        if gone is not None:
            return gone
        try:
            return drive(deciding(self._route, message, self._recorded.detours), self._answer)
        except _Unanswered as unanswered:
            self.stopped = str(unanswered)
        except CrossdockError as error:
            self.stopped = error.reason
        return None

    def _decide_when_due(self) -> tuple[Decision, ...]:
        """Decide what becomes of what waits; the branches are looked at when its time has come."""
        if self.decision is None:
            return ()
        return tuple(
            [
                drive(deciding(self._route, each.message), self._answer)
                for each in self.decision.held
            ]
        )

    def _answer(self, effect: Effect) -> Answer:
        if isinstance(effect, Claim):  # who was not the first ended there, and the record says so
            return not self._recorded.detail.startswith(effect.step)
        asked = (
            f"called {effect.function}" if isinstance(effect, Invoke) else f"asked {effect.client}"
        )
        raise _Unanswered(
            f"{effect.step} {asked}, whose answer is not kept: from there on it is told as far as "
            "the record goes"
        )

    def _taken_branches(self) -> set[str]:
        if self.decision is not None:
            taken = {each for decision in self._when_due for each in decision.branches}
            taken |= set(self.decision.branches)
            return taken or _held_branches(self._looks, self._route)
        return {
            branch.name
            for branch in self._route.branches
            if all(each.destination in self._sent_to for each in branch.targets)
        }

    def _condition(self, guard: Guard) -> Told:
        looks = self._looks.get(guard.held.branch, [])
        shown = next((each for each in looks if each.held), looks[0] if looks else None)
        return Told(
            place=guard.held.branch,
            condition=guard.expression.text,
            held=None if shown is None else shown.held,
            values=() if shown is None else self._values(guard, shown),
        )

    def _values(self, guard: Guard, look: Look) -> tuple[Seen, ...]:
        text = guard.expression.text
        found = seen_values(text, look.data)
        if look.data == self._original:
            there = {each.path for each in found if each.value is not None}
            return tuple(  # what lies in something masked is not found in it, but it is there
                Seen(each.path, _HIDDEN) if each.value is None and each.path in there else each
                for each in seen_values(text, masked(look.data, self._personal))
            )
        if not self._hides_made:
            return found
        # Where a step has put what is personal is not known, so nothing of it is shown (I6).
        return tuple(Seen(each.path, each.value and _HIDDEN) for each in found)

    def _why(self, branch: CompiledBranch, held: bool | None) -> str:  # noqa: FBT001 - of a condition
        if branch.name in self._taken:
            return self._why_taken(branch, held=held)
        if held is False:
            return "its condition does not hold"
        looks = self._looks.get("where")
        if looks and not looks[0].held:
            return "not looked at: where does not hold"
        first = next((each.name for each in self._route.branches if each.name in self._taken), None)
        if first is None:
            return _NOT_REACHED
        rule = "" if branch.otherwise else ", and the first that holds is taken"
        return f"not looked at: {first} holds{rule}"

    def _why_taken(self, branch: CompiledBranch, *, held: bool | None) -> str:
        if self.decision is None:
            return "as it was recorded"
        looks = self._looks.get(branch.name, [])
        if len(looks) > 1:
            return (
                f"its condition holds for {sum(each.held for each in looks)} of {len(looks)} parts"
            )
        if held:
            return "its condition holds"
        return "no other branch holds" if branch.otherwise else "it has no condition"


def _held_branches(looks: Looks, route: CompiledRoute) -> set[str]:
    names = {each.name for each in route.branches}
    return {
        place for place, found in looks.items() if place in names and any(x.held for x in found)
    }


def _made(ran: Ran) -> str:
    note = f", {ran.note}" if ran.note else ""
    return f"{ran.given} in, {ran.made} on{note}"
