"""Answers that an example of a route declares, so that no example calls another system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from crossdock.contracts import Retry
from crossdock.mesh.project.document import read_bytes
from crossdock.mesh.project.problems import ProjectError
from crossdock.router.calls.answers import read_answer
from crossdock.router.calls.loading import LoadedCall
from crossdock.router.effects import Answer, Ask, Call, Claim, Effect, Invoke
from crossdock.router.python_steps.launching import BlockingSteps

NOTHING: Final = "nothing"
FAILS: Final = "fails"
_FOLDER: Final = "routes"
_LONGEST_REPLY: Final = 1024 * 1024


class DeclaredAnswers:
    """Answers the questions of one example."""

    def __init__(
        self,
        declared: Mapping[str, str | tuple[str, ...]],
        calls: Mapping[str, LoadedCall],
        folder: Path,
        *,
        seen: bool = False,
        functions: BlockingSteps | None = None,
    ) -> None:
        """Read nothing yet.

        Args:
            declared: By call: what answers every question, or each in their order.
            calls: The calls of the project.
            folder: The project folder.
            seen: Whether another message was there before with each key.
            functions: The project's Python steps, which are called for real.
        """
        self._functions = functions
        self._seen = seen
        self._declared = declared
        self._calls = calls
        self._folder = folder
        self._asked: dict[str, int] = {}

    def __call__(self, effect: Effect) -> Answer:
        """Return the declared answer.

        Raises:
            ValueError: None is declared for this question, or it cannot be read.
            Reject: It breaks the contract of the call's answers.
        """
        if isinstance(effect, Claim):
            return not self._seen
        if isinstance(effect, Invoke):
            return self._invoke(effect)
        name = effect.client
        declared = self._declared.get(name)
        if declared is None:
            raise ValueError(
                f"{effect.step} asks {name}: declare what it answers, calls: {{{name}: FILE.json}}"
            )
        at = self._asked.get(name, 0)
        self._asked[name] = at + 1
        if isinstance(declared, str):
            return self._answer(declared, effect)
        if at >= len(declared):
            raise ValueError(
                f"{effect.step} asks {name} more than the {at} times that are declared"
            )
        return self._answer(declared[at], effect)

    def _invoke(self, invoke: Invoke) -> Answer:
        if self._functions is None:
            raise ValueError(f"{invoke.step} is a Python step, and there are none")
        return self._functions.call(invoke.function, invoke.data, invoke.attributes)

    def _answer(self, text: str, effect: Call | Ask) -> Answer:
        name = effect.client
        if text == FAILS:
            return Retry(f"call {name}: fails, as the example declares")
        if text == NOTHING:
            return None
        asks = isinstance(effect, Ask)
        limit = _LONGEST_REPLY if asks else int(self._calls[name].file.max_answer)
        try:
            data = read_bytes(self._folder, f"{_FOLDER}/{text}", limit)
        except ProjectError as error:
            raise ValueError(str(error.problems[0])) from error
        contract = effect.answers if isinstance(effect, Ask) else self._calls[name].answers
        return read_answer(data, contract, name)
