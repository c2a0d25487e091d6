"""Content Enricher: ``enrich`` asks another system, and keeps its answer in a variable."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from crossdock.contracts import CrossdockError, Halt, Reject
from crossdock.mesh.expression import UNDEFINED, Expression, Json
from crossdock.router.compile_scope import CompileScope
from crossdock.router.effects import Answer, Call, Deciding, Effect
from crossdock.router.flow import EffectStep, Flow, Run
from crossdock.router.step_file import Enrich, Step


class Enricher(EffectStep, frozen=True, kw_only=True):
    """Asks another system for each part; the same question of several parts is asked once.

    Attributes:
        question: Makes what is asked.
        settings: As written.
    """

    question: Expression
    settings: Enrich

    @property
    def asks(self) -> bool:
        """It does."""
        return True

    def run(self, flows: list[Flow], run: Run) -> Deciding[list[Flow]]:
        """Return the same parts, each with its answer in the variable."""
        calls: dict[bytes, Effect] = {}
        keys = [self._ask(flow, calls, run) for flow in flows]
        answers = yield tuple(calls.values())
        found = dict(zip(calls, answers, strict=True))
        failed = sum(1 for each in answers if isinstance(each, CrossdockError))
        run.notes[self.name] = f"{len(calls)} asked" + (f", {failed} failed" if failed else "")
        return [self._with(flow, found[key]) for flow, key in zip(flows, keys, strict=True)]

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Yield what makes the question."""
        yield f"/{self.name}/enrich/with", self.question

    def _ask(self, flow: Flow, calls: dict[bytes, Effect], run: Run) -> bytes:
        flow.check_exact(self.name)
        request = self.question.evaluate(flow.data, flow.variables)
        if request is UNDEFINED:
            raise Reject(f"{self.name}: there is nothing to ask: `with` gives nothing")
        key = msgspec.json.encode(request, order="sorted")
        if key not in calls:
            calls[key] = self._effect(request, key, run)
        return key

    def _effect(self, request: Json, key: bytes, run: Run) -> Effect:  # noqa: ARG002 - for others
        """Return what asks; ``key`` is the question, the same for the same one."""
        settings = self.settings
        return Call(
            step=self.name, client=settings.call or "", request=request, cache=settings.cache
        )

    def _with(self, flow: Flow, answer: Answer) -> Flow:
        """Return a part with an answer, or with what is to be done without one.

        Raises:
            CrossdockError: That which the call failed with.
        """
        settings = self.settings
        if isinstance(answer, CrossdockError):
            if settings.on_error == "fail" or isinstance(answer, Halt):
                raise answer
            if settings.on_error == "skip":
                return flow
            answer = settings.default
        variables = flow.variables | {settings.into: answer}
        return msgspec.structs.replace(flow, variables=variables)


def compile_enrich(step: Step, name: str, scope: CompileScope) -> Enricher | None:
    """Make the step ready to run; None when something is wrong with it."""
    settings = step.enrich
    if settings is None:
        return None
    question = scope.expression(settings.with_, f"/{name}/enrich/with")
    scope.variable(settings.into, f"/{name}/enrich/into")
    scope.call(settings.call or "", f"/{name}/enrich/call")
    if question is None:
        return None
    return Enricher(name=name, pattern="enrich", question=question, settings=settings)
