"""Scatter-Gather: ``scatter`` asks several systems at once, and gathers what comes in time."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from crossdock.contracts import CrossdockError, Disconnected, Halt, Reject, Retry
from crossdock.mesh.expression import UNDEFINED, Expression
from crossdock.router.compile_scope import CompileScope
from crossdock.router.effects import Answer, Call, Deciding
from crossdock.router.flow import EffectStep, Flow, Run
from crossdock.router.step_file import Scatter, Step


class ScatterGather(EffectStep, frozen=True, kw_only=True):
    """Asks several systems the same or different things, for each part.

    Attributes:
        questions: What makes the question to each system; where it gives nothing, that one is not
            asked.
        settings: As written.
    """

    questions: dict[str, Expression]
    settings: Scatter

    @property
    def asks(self) -> bool:
        """It does."""
        return True

    def run(self, flows: list[Flow], run: Run) -> Deciding[list[Flow]]:
        """Return the same parts, each with the answers in the variable.

        Raises:
            CrossdockError: Too few have answered: what one of the others failed with.
        """
        asked = [self._ask(flow) for flow in flows]
        answers = iter((yield tuple(call for calls in asked for call in calls)))
        made = []
        for flow, calls in zip(flows, asked, strict=True):
            found = [(call, next(answers)) for call in calls]
            made.append(self._gathered(flow, found))
        count = sum(len(calls) for calls in asked)
        told = sum(len(flow.variables[self.settings.into]) for flow in made)
        run.notes[self.name] = f"{count} asked, {told} answered in time"
        return made

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Yield what makes the questions."""
        for client, question in self.questions.items():
            yield f"/{self.name}/scatter/ask/{client}", question

    def _ask(self, flow: Flow) -> list[Call]:
        flow.check_exact(self.name)
        calls = []
        for client, question in self.questions.items():
            request = question.evaluate(flow.data, flow.variables)
            if request is not UNDEFINED:
                deadline = float(self.settings.deadline)
                calls.append(Call(step=self.name, client=client, request=request, timeout=deadline))
        if not calls:
            raise Reject(f"{self.name}: there is nobody to ask: no question gives anything")
        return calls

    def _gathered(self, flow: Flow, found: list[tuple[Call, Answer]]) -> Flow:
        """Return a part with its answers, in the order of the file.

        Raises:
            CrossdockError: They are too few.
        """
        errors = [answer for _, answer in found if isinstance(answer, CrossdockError)]
        halt = next((each for each in errors if isinstance(each, Halt)), None)
        if halt is not None:
            raise halt
        least = min(self.settings.at_least or len(found), len(found))
        answers = [
            {"from": call.client, "answer": answer}
            for call, answer in found
            if not isinstance(answer, CrossdockError)
        ]
        if len(answers) < least:
            said = f"{self.name}: {len(answers)} of {len(found)} have answered, {least} must"
            raise _most_hopeful(errors, said)
        variables = flow.variables | {self.settings.into: answers}
        return msgspec.structs.replace(flow, variables=variables)


def _most_hopeful(errors: list[CrossdockError], said: str) -> CrossdockError:
    """Return what to do about several failures: what may pass is worth another try."""
    for error in errors:
        if isinstance(error, Disconnected):
            return Disconnected(f"{said}; {error.reason}")
    for error in errors:
        if isinstance(error, Retry):
            return Retry(f"{said}; {error.reason}", after=error.after)
    return Reject(f"{said}; {errors[0].reason}", errors[0].problems)


def compile_scatter(step: Step, name: str, scope: CompileScope) -> ScatterGather | None:
    """Make the step ready to run; None when something is wrong with it."""
    settings = step.scatter
    if settings is None:
        return None
    pointer = f"/{name}/scatter"
    scope.variable(settings.into, f"{pointer}/into")
    if not settings.ask:
        scope.wrong(f"{pointer}/ask", "asks nobody: name at least one call and its question")
    if settings.at_least is not None and not 1 <= settings.at_least <= len(settings.ask):
        scope.wrong(f"{pointer}/at_least", f"a number from 1 to {len(settings.ask)}")
    questions = {}
    for client, text in settings.ask.items():
        scope.call(client, f"{pointer}/ask/{client}")
        question = scope.expression(text, f"{pointer}/ask/{client}")
        if question is not None:
            questions[client] = question
    return ScatterGather(name=name, pattern="scatter", questions=questions, settings=settings)
