"""What flows through the steps of a route, and what is kept of its way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from crossdock.contracts import Contract, Message, Reject
from crossdock.contracts.message import JSON
from crossdock.mesh.exact_numbers import inexact_number
from crossdock.mesh.expression import Expression, Json
from crossdock.router.conditions import Condition, Guard
from crossdock.router.effects import Deciding

MAX_PARTS: Final = 5000
"""Parts that one message may be at the same time (I8): their ids must fit into one record."""


NO_DETOURS: Final[Mapping[str, bool]] = MappingProxyType({})
"""Every detour is taken or not as the route file says."""


class Child(msgspec.Struct, frozen=True):
    """One message that a route makes.

    Attributes:
        destination: Where it goes.
        message: What goes there.
    """

    destination: str
    message: Message


class Ran(msgspec.Struct, frozen=True):
    """One step that ran, for the record of the decision.

    Attributes:
        step: Where it stands in the route: ``steps/1``, ``steps/1/steps/0``.
        pattern: Its key: ``map``, ``split``.
        given: How many parts it was given; 1 where nothing was split.
        made: How many went on.
        note: What is worth saying beyond that; never a value of the payload (I6).
    """

    step: str
    pattern: str
    given: int
    made: int
    note: str = ""


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """A message, or a part of one, between two steps.

    Attributes:
        data: The data: root of every expression.
        raw: The same as JSON where the bytes are known: as they came, or as a mapping made them.
        contract: The contract that the data keeps; None once a step has changed it freely.
        variables: What expressions may use, named without their ``$``.
        part: Which part it is, outermost splitter first; empty when it is whole.
        extensions: Attributes that steps add to what is sent.
    """

    data: Json
    raw: bytes | None
    contract: Contract | None
    variables: dict[str, Json] = {}
    part: tuple[int, ...] = ()
    extensions: dict[str, str] = {}

    def changed(
        self, place: str, data: Json, contract: Contract | None, raw: bytes | None = None
    ) -> Flow:
        """Return the same with other data, checked against the contract that it is to keep.

        Args:
            place: Name of the step that made the data.
            data: The data.
            contract: What it is to keep; None for what is said later.
            raw: The same as JSON, if it is known.

        Raises:
            Reject: It breaks the contract.
        """
        problems = [] if contract is None else contract.problems(data)
        if contract is not None and problems:
            raise Reject.of(f"{place}: its result breaks {contract.dataschema}", problems)
        return msgspec.structs.replace(self, data=data, raw=raw, contract=contract)

    def bytes(self) -> bytes:
        """Return the data as JSON."""
        return msgspec.json.encode(self.data) if self.raw is None else self.raw

    def check_exact(self, place: str) -> None:
        """Refuse data that an expression would change by reading it (I5).

        Raises:
            Reject: It has an integer that a double cannot hold.
        """
        inexact = inexact_number(self.bytes(), self.data)
        if inexact is not None:
            raise Reject.of(f"{place}: cannot be mapped", [inexact])

    def __repr__(self) -> str:  # I6: a payload is in no repr
        return f"Flow(part={self.part!r})"


class Run:
    """One message on its way through a route; collects what is to be told of it.

    Attributes:
        message: The message.
        accepted: Its contract.
        ran: The steps that ran, in the order of the file.
        conditions: What was evaluated: each branch at most once for each of its two outcomes.
        notes: What a step has to say beyond the counts, by its name.
        taps: Copies that are sent whatever becomes of the message.
        detours: Which detours are taken; those that are not in it are as the route file says.
    """

    __slots__ = ("accepted", "conditions", "detours", "message", "notes", "ran", "taps")

    def __init__(
        self, message: Message, accepted: Contract, detours: Mapping[str, bool] = NO_DETOURS
    ) -> None:
        self.detours = detours
        self.message = message
        self.accepted = accepted
        self.ran: list[Ran] = []
        self.conditions: dict[Condition, None] = {}
        self.notes: dict[str, str] = {}
        self.taps: list[Child] = []


def base_extensions(message: Message) -> dict[str, str]:
    """Return the attributes that every child of a message has."""
    return {
        **message.extensions,
        "correlationid": message.correlation,
        "causationid": message.id,
    }


def make_child(
    parent: Message,
    own_id: str,
    source: str,
    sent: Contract,
    data: bytes,
    extensions: dict[str, str],
) -> Message:
    """Return a message that derives from another one.

    Args:
        parent: The message that came in.
        own_id: Its identity, which follows from the parent's (I4).
        source: Who makes it.
        sent: The contract that its data keeps.
        data: Its data.
        extensions: Its attributes, see :func:`base_extensions`.
    """
    return Message(
        id=own_id,
        source=source,
        type=sent.name,
        data=data,
        dataschema=sent.dataschema,
        datacontenttype=parent.datacontenttype if data is parent.data else JSON,
        time=parent.time,
        subject=parent.subject,
        extensions=extensions,
        dataref=parent.dataref if data is parent.data else "",  # the same data: kept already
    )


class PureStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step that needs nothing but the data.

    Attributes:
        name: Where it stands in the route: ``steps/1``.
        pattern: Its key in the route file.
    """

    name: str
    pattern: str

    @property
    def asks(self) -> bool:
        """Whether it may need an answer from outside."""
        return False

    @property
    def destinations(self) -> tuple[str, ...]:
        """Where it may send to by itself."""
        return ()

    def apply(self, flow: Flow, run: Run) -> Iterator[Flow]:
        """Yield what goes on: one or nothing.

        Raises:
            Reject: The message can never pass.
            Retry: The machine was too busy.
        """
        raise NotImplementedError

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Yield its expressions, each with its JSON Pointer in the route file."""
        yield from ()

    def guards(self) -> Iterator[Guard]:
        """Yield its conditions, each of which examples should have hold and not hold."""
        yield from ()

    def outcomes(self) -> Iterator[str]:
        """Yield the name of each thing in it that may hold or not hold."""
        for guard in self.guards():
            yield guard.held.branch


class EffectStep(PureStep, frozen=True):
    """A step that sees all parts at once, and may ask the world."""

    def run(self, flows: list[Flow], run: Run) -> Deciding[list[Flow]]:
        """Return what goes on.

        Raises:
            CrossdockError: What the answers, or the data, lead to.
        """
        raise NotImplementedError


def walk(steps: tuple[PureStep, ...], flows: list[Flow], run: Run) -> Deciding[list[Flow]]:
    """Take parts through steps, all of them through one before any through the next.

    Raises:
        CrossdockError: One of them cannot pass: then none does (all or nothing).
    """
    for step in steps:
        if not flows:
            break
        at = len(run.ran)
        if isinstance(step, EffectStep):
            made = yield from step.run(flows, run)
        else:
            made = [each for flow in flows for each in step.apply(flow, run)]
        note = run.notes.pop(step.name, "")
        run.ran.insert(at, Ran(step.name, step.pattern, len(flows), len(made), note))
        flows = made
    return flows
