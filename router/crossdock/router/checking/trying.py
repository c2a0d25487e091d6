"""Finds messages that a contract accepts and a route cannot take on: by running it, for real."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import Final

import msgspec

from crossdock.contracts import Contract, CrossdockError, Message, Problem
from crossdock.mesh.expression import Json
from crossdock.mesh.groups import Completed
from crossdock.mesh.message_view import attributes_of
from crossdock.router.aggregating import Aggregator
from crossdock.router.checking.documents import documents
from crossdock.router.checking.finding import Finding
from crossdock.router.checking.told import Told
from crossdock.router.checking.trees import place_of, tree_of
from crossdock.router.checking.world import Answers
from crossdock.router.compiled import CompiledRoute
from crossdock.router.compiled_branch import CompiledBranch
from crossdock.router.driving import drive
from crossdock.router.effects import Answer, Ask, Call, Claim, Effect
from crossdock.router.flow import Flow, Run, walk
from crossdock.router.steps.detour import Switched

_FORM: Final = frozenset(
    {"type", "required", "additionalProperties", "unevaluatedProperties", "enum", "const"}
)
LONGEST: Final = 5.0
"""Seconds for which one route is tried with the documents of one contract."""
_SHOWN: Final = 300
_TIME: Final = "2024-02-29T12:00:00Z"
Holds = Callable[[Json, dict[str, Json] | None], bool]


class _AsksError(Exception):
    """A step asks for something from outside, which a check does not have."""


class _FailedError(Exception):
    """A part of the route failed."""

    def __init__(self, pointer: str, error: CrossdockError) -> None:
        super().__init__(pointer)
        self.pointer = pointer
        self.error = error


def try_route(
    route: CompiledRoute, contract: Contract, tried: Iterable[Json], answers: Answers
) -> Iterator[Told]:
    """Run a route on documents; tell each way in which it fails once, with the document.

    That the very first document fails in an expression, or that a result breaks a limit of values
    (a pattern, a maximum), is a warning: real values may keep what made-up ones break.

    Args:
        route: The route.
        contract: The contract that the documents keep.
        tried: The documents, the plainest first; after :data:`LONGEST` seconds no more are.
        answers: Contract of what each call answers.
    """
    end = monotonic() + LONGEST
    answering = _Answering(answers)
    told: set[tuple[str, str]] = set()
    ways = [dict.fromkeys(route.detours, on) for on in (False, True)[: 1 + bool(route.detours)]]
    for number, document in enumerate(tried):
        for detours in ways:
            if monotonic() > end:
                return
            trial = _Trial(route, contract, document, answering, detours, is_plain=number == 0)
            for each, key in trial.told():
                if (each.pointer, key) not in told:
                    told.add((each.pointer, key))
                    yield each


class _Answering:
    """Answers what steps ask, as far as a check can know it."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._made: dict[str, Json] = {}

    def __call__(self, effect: Effect) -> Answer:
        """Say that a message is the first of its kind, or what a call may answer.

        Raises:
            _AsksError: It is not known.
        """
        if isinstance(effect, Claim):
            return True
        contract = effect.answers if isinstance(effect, Ask) else None
        if isinstance(effect, Call):
            contract = self._answers.get(effect.client)
        if contract is None:
            raise _AsksError(effect.step)
        if contract.dataschema not in self._made:
            self._made[contract.dataschema] = next(documents(contract, ()), None)
        return self._made[contract.dataschema]


class _Trial:
    """One run of a route on one document."""

    def __init__(
        self,
        route: CompiledRoute,
        contract: Contract,
        document: Json,
        answering: _Answering,
        detours: Switched,
        *,
        is_plain: bool,
    ) -> None:
        self._route = route
        self._contract = contract
        self._document = document
        self._answering = answering
        self._detours = detours
        self._is_plain = is_plain

    def told(self) -> Iterator[tuple[Told, str]]:
        """Return what fails, and what tells it from other failures at the same place."""
        try:
            for flow in self._flows():
                for branch in self._branches(flow):
                    yield from self._sent(branch, flow)
        except _AsksError:
            return
        except _FailedError as failed:
            yield self._failed(failed), "fails"

    def _flows(self) -> list[Flow]:
        data = msgspec.json.encode(self._document)
        message = Message(
            id="1",
            source="/check",
            type=self._contract.name,
            dataschema=self._contract.dataschema,
            data=data,
            time=_TIME,
        )
        variables = {"message": attributes_of(message)} if self._route.uses_message else {}
        flow = Flow(data=self._document, raw=data, contract=self._contract, variables=variables)
        where = self._route.where
        if where is not None and not _holds(flow, where.expression.holds, "/where"):
            return []
        run = Run(message, self._contract, self._detours)
        try:
            flows = drive(walk(self._route.steps, [flow], run), self._answering)
        except CrossdockError as error:
            done = {each.step for each in run.ran}
            step = next(each for each in self._route.steps if each.name not in done)
            raise _FailedError(f"/{step.name}/{step.pattern}", error) from error
        self._hold(message, flows)
        aggregate = self._route.aggregate
        return flows if aggregate is None else [_alone(aggregate, message, each) for each in flows]

    def _hold(self, message: Message, flows: list[Flow]) -> None:
        delay = self._route.delay
        if delay is None:
            return
        try:
            for each in flows:
                delay.hold(message, each, "/check")
        except CrossdockError as error:
            raise _FailedError("/delay/until", error) from error

    def _branches(self, flow: Flow) -> Iterator[CompiledBranch]:
        taken = False
        for branch in self._route.branches:
            guard, pointer = branch.guard, f"/{branch.name}/when"
            held = not (branch.otherwise and taken)
            if guard is not None:
                held = _holds(flow, guard.expression.holds, pointer)
            if held:
                yield branch
                taken = True
                if not self._route.send_all:
                    return

    def _sent(self, branch: CompiledBranch, flow: Flow) -> Iterator[tuple[Told, str]]:
        wanted = branch.contract or flow.contract or self._contract
        made = flow.data
        if branch.mapping is not None:
            try:
                made, _ = branch.mapping.transform(flow.data, flow.variables or None)
            except CrossdockError as error:
                raise _FailedError(f"/{branch.name}/map", error) from error
        for problem in wanted.problems(made):
            yield self._broken(branch, wanted, problem), problem.pointer + problem.keyword

    def _failed(self, failed: _FailedError) -> Told:
        problems = failed.error.problems
        is_form = any(each.keyword in _FORM for each in problems)
        message = (
            f"fails on a message that the contract accepts, for example {self._shown()} "
            f"({failed.error.reason}): handle it, for example with $exists(…) or ?:"
        )
        finding = Finding(
            code="mapping-breaks-contract" if problems else "expression-fails",
            message=message,
            warning=not is_form if problems else self._is_plain,
        )
        return Told(pointer=failed.pointer, finding=finding)

    def _broken(self, branch: CompiledBranch, wanted: Contract, problem: Problem) -> Told:
        where = f" at {problem.pointer}" if problem.pointer else ""
        made = f"becomes one that breaks {wanted.name} {wanted.version}{where}: {problem.message}"
        message = f"a message that is accepted {made}; for example {self._shown()}"
        path = tuple(each for each in problem.pointer.split("/")[1:] if not each.isdecimal())
        tree = None if branch.mapping is None else tree_of(branch.mapping.text)
        finding = Finding(
            code="mapping-breaks-contract",
            message=message,
            at=0 if tree is None else place_of(tree, path),
            warning=problem.keyword not in _FORM,
        )
        key = "map" if branch.mapping is not None else "as" if branch.contract else "to"
        return Told(pointer=f"/{branch.name}/{key}", finding=finding)

    def _shown(self) -> str:
        text = msgspec.json.encode(self._document).decode()
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _alone(aggregate: Aggregator, message: Message, flow: Flow) -> Flow:
    """Return what a group sends that has one member."""
    try:
        arrival = aggregate.arrival(message, flow)
    except CrossdockError as error:
        raise _FailedError("/aggregate/by", error) from error
    group = Completed(
        key=arrival.key, reason="size", opened=0, closed=0, size=1, members=(arrival.member,)
    )
    try:
        made = aggregate.flow_of(group)
    except CrossdockError as error:
        raise _FailedError("/aggregate/map", error) from error
    variables = {"group": {"key": arrival.key, "count": 1, "reason": "size"}} | flow.variables
    return msgspec.structs.replace(made, variables=variables)


def _holds(flow: Flow, holds: Holds, pointer: str) -> bool:
    try:
        return holds(flow.data, flow.variables or None)
    except CrossdockError as error:
        raise _FailedError(pointer, error) from error
