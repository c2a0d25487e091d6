"""Shadow replay: what a candidate route would make of messages, against what was made of them.

Nothing is sent and nobody is asked: the candidate only decides. Pure; who calls it reads the
streams.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from crossdock.contracts import CrossdockError, Message
from crossdock.mesh import json_patch
from crossdock.mesh.expression import Json
from crossdock.mesh.records import GROUP, Entry
from crossdock.router.compiled import CompiledRoute
from crossdock.router.deciding import EXPIRED, Decision, deciding
from crossdock.router.driving import drive
from crossdock.router.effects import Answer, Claim, Effect, Invoke
from crossdock.router.flow import NO_DETOURS, Child
from crossdock.router.python_steps.launching import BlockingSteps
from crossdock.router.steps.detour import Switched

_OUTCOMES: Final = {
    "routed": "routed",
    "grouped": "grouped",
    "delayed": "delayed",
    "filtered": "filtered",
    "rejected": "dead",
}


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message, or would.

    Attributes:
        outcome: ``routed``, ``grouped``, ``delayed``, ``filtered``, ``dead``; ``pending`` when
            nothing is recorded; ``unknown`` when the candidate asks another system.
        detail: Why, in one line.
        destinations: Where it was sent, sorted.
    """

    outcome: str
    detail: str = ""
    destinations: tuple[str, ...] = ()


class DataChange(msgspec.Struct, frozen=True, kw_only=True):
    """How the data that a destination gets differs.

    Attributes:
        destination: Its name.
        then: ``dataschema`` that was sent.
        now: ``dataschema`` that would be sent.
        changes: Each place that differs.
    """

    destination: str
    then: str
    now: str
    changes: tuple[json_patch.Change, ...]


class Shadow(msgspec.Struct, kw_only=True):
    """One message, then and now.

    Attributes:
        sequence: Its number in the stream.
        id: Its id.
        then: What became of it.
        now: What would become of it.
        made: What the candidate would send, by id.
        data: How the data differs, as far as it was compared.
    """

    sequence: int
    id: str
    then: Way
    now: Way
    made: dict[str, tuple[str, Message]] = {}
    data: list[DataChange] = []

    @property
    def size(self) -> int:
        """Bytes of the data that it holds."""
        return sum(len(each.data) for _, each in self.made.values())

    @property
    def verdict(self) -> Literal["same", "different", "unknown"]:
        """Whether it differs."""
        if self.now.outcome == "unknown":
            return "unknown"
        then = (self.then.outcome, self.then.destinations)
        now = (self.now.outcome, self.now.destinations)
        return "same" if then == now and not self.data else "different"

    def __repr__(self) -> str:  # I6
        return f"Shadow({self.sequence}, {self.verdict})"


class Recorded(msgspec.Struct, frozen=True):
    """What was recorded of one message.

    Attributes:
        entry: What became of it; None when nothing is known.
        detours: Which detours were taken.
    """

    entry: Entry | None = None
    detours: Switched = NO_DETOURS


class _Unanswered(Exception):
    """The candidate asks what no declared answer is there for."""


class Stubs:
    """Answers what candidates ask, without asking anybody."""

    def __init__(self, answers: Mapping[str, Json], functions: BlockingSteps | None = None) -> None:
        """Remember the answers.

        Args:
            answers: What each call answers, by its name.
            functions: Python steps, which are called: they only make data of data.
        """
        self._functions = functions
        self._answers = answers
        self._claimed: dict[tuple[str, str], str] = {}

    def __call__(self, effect: Effect) -> Answer:
        """Answer one question."""
        if isinstance(effect, Claim):  # the first with a key among these messages
            return (
                self._claimed.setdefault((effect.step, effect.key), effect.holder) == effect.holder
            )
        if isinstance(effect, Invoke):
            if self._functions is None:
                raise _Unanswered(f"{effect.step} is a Python step, and there are none")
            return self._functions.call(effect.function, effect.data, effect.attributes)
        try:
            return self._answers[effect.client]
        except KeyError:
            raise _Unanswered(
                f"{effect.step} asks {effect.client}: give its answer with --answer "
                f"{effect.client}=FILE"
            ) from None


def shadow(
    route: CompiledRoute, message: Message, sequence: int, recorded: Recorded, stubs: Stubs
) -> Shadow:
    """Let a candidate decide on a message, and put it beside what was recorded.

    Args:
        route: The candidate.
        message: The message.
        sequence: Its number in the stream.
        recorded: What was recorded of it; it takes the detours that were taken then.
        stubs: Answers what the candidate asks.
    """
    then = _then(recorded.entry)
    children: tuple[Child, ...] = ()
    try:
        decision = drive(deciding(route, message, recorded.detours), stubs)
    except _Unanswered as unanswered:
        now = Way(outcome="unknown", detail=str(unanswered))
    except CrossdockError as error:
        now = Way(outcome="dead", detail=error.reason)
    else:
        now, children = _now(decision), decision.children
    if then.detail == EXPIRED:  # it came too late, and would again
        now, children = then, ()
    return Shadow(
        sequence=sequence,
        id=message.id,
        then=then,
        now=now,
        made={each.message.id: (each.destination, _light(each.message)) for each in children},
    )


def unreadable(message: Message, sequence: int, recorded: Recorded, reason: str) -> Shadow:
    """Return what any candidate makes of a message whose data is not there: a dead letter."""
    now = Way(outcome="dead", detail=reason)
    then = _then(recorded.entry)
    return Shadow(sequence=sequence, id=message.id, then=then, now=now)


def _light(made: Message) -> Message:
    """Return a message without data that can be told by its check."""
    return msgspec.structs.replace(made, data=b"") if made.dataref else made


def compare_data(found: Shadow, sent: Message, personal: tuple[str, ...]) -> None:
    """Note how what was sent differs from what the candidate would send under the same id.

    Args:
        found: To note it in.
        sent: What was sent.
        personal: JSON Pointers to what no one is shown.
    """
    destination, made = found.made[sent.id]
    same = made.dataref and made.dataref == sent.dataref
    changes = () if same else tuple(json_patch.changes(sent.data, made.data, personal))
    if changes or sent.dataschema != made.dataschema:
        found.data.append(
            DataChange(
                destination=destination, then=sent.dataschema, now=made.dataschema, changes=changes
            )
        )


def _then(recorded: Entry | None) -> Way:
    if recorded is None:
        return Way(outcome="pending", detail="nothing is recorded of it")
    destinations = tuple(sorted(to for to, _ in recorded.children if to != GROUP))
    detail = "" if recorded.outcome == "routed" else recorded.detail
    return Way(outcome=recorded.outcome, detail=detail, destinations=destinations)


def _now(decision: Decision) -> Way:
    return Way(
        outcome=_OUTCOMES[decision.outcome],
        detail=decision.reason,
        destinations=tuple(sorted(each.destination for each in decision.children)),
    )
