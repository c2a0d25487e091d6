"""A Python step: ``python`` gives the data to a function of ``steps/*.py``."""

from __future__ import annotations

from crossdock.contracts import Contract, ContractRef, CrossdockError, Reject
from crossdock.mesh.expression import Json
from crossdock.router.compile_scope import CompileScope
from crossdock.router.effects import Answer, Deciding, Invoke
from crossdock.router.flow import EffectStep, Flow, Run
from crossdock.router.step_file import Step


class Function(EffectStep, frozen=True, kw_only=True):
    """Calls a function for each part.

    Attributes:
        function: Name of the function.
        accepts: What the function takes.
        takes: The contract that data is checked against which is not known to keep it.
        emits: Contract of what the function makes.
    """

    function: str
    accepts: ContractRef
    takes: Contract
    emits: Contract

    @property
    def asks(self) -> bool:
        """It does."""
        return True

    def run(self, flows: list[Flow], run: Run) -> Deciding[list[Flow]]:
        """Return the parts that the function makes something of."""
        attributes = _attributes(run)
        answers = yield tuple(
            Invoke(
                step=self.name,
                function=self.function,
                data=self._checked(flow),
                attributes=attributes,
            )
            for flow in flows
        )
        made = zip(flows, answers, strict=True)
        return [each for flow, answer in made for each in self._after(flow, answer)]

    def _checked(self, flow: Flow) -> Json:
        """Return the data, once it is known to be what the function accepts (I5).

        Raises:
            Reject: It is not.
        """
        known = flow.contract
        if (
            known is None
            or known.name != self.accepts.name
            or not self.accepts.accepts(known.version)
        ):
            problems = self.takes.problems(flow.data)
            if problems:
                reason = f"{self.name}: what goes into it breaks {self.takes.dataschema}"
                raise Reject.of(reason, problems)
        return flow.data

    def _after(self, flow: Flow, answer: Answer) -> list[Flow]:
        if isinstance(answer, CrossdockError):
            raise answer
        if answer is None:
            return []
        return [flow.changed(self.name, answer, self.emits)]


def compile_python(step: Step, name: str, scope: CompileScope) -> Function | None:
    """Make the step ready to run; None when something is wrong with it."""
    pointer = f"/{name}/python"
    found = scope.function(step.python or "", pointer)
    if found is None:
        return None
    takes = scope.contract(found.accepts, pointer)
    emits = scope.contract(found.emits, pointer)
    if takes is None or emits is None:
        return None
    return Function(
        name=name,
        pattern="python",
        function=found.name,
        accepts=ContractRef.parse(found.accepts),
        takes=takes,
        emits=emits,
    )


def _attributes(run: Run) -> dict[str, Json]:
    message = run.message
    attributes: dict[str, Json] = {
        "id": message.id,
        "source": message.source,
        "type": message.type,
        "dataschema": message.dataschema,
    }
    for name in ("time", "subject"):
        if getattr(message, name):
            attributes[name] = getattr(message, name)
    return attributes | message.extensions
