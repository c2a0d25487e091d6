"""Message Filter: ``where`` lets go on what its condition holds for."""

from __future__ import annotations

from collections.abc import Iterator

from crossdock.mesh.expression import Expression
from crossdock.router.compile_scope import CompileScope
from crossdock.router.conditions import Guard
from crossdock.router.flow import Flow, PureStep, Run
from crossdock.router.step_file import Step


class MessageFilter(PureStep, frozen=True, kw_only=True):
    """Lets go on, or not.

    Attributes:
        guard: The condition.
    """

    guard: Guard

    def apply(self, flow: Flow, run: Run) -> Iterator[Flow]:
        """Yield the part as it is, or nothing."""
        held = self.guard.expression.holds(flow.data, flow.variables)
        run.conditions[self.guard.held if held else self.guard.failed] = None
        if held:
            yield flow

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Yield the condition."""
        yield f"/{self.name}/where", self.guard.expression

    def guards(self) -> Iterator[Guard]:
        """Yield the condition."""
        yield self.guard


def compile_where(step: Step, name: str, scope: CompileScope) -> MessageFilter | None:
    """Make the step ready to run; None when something is wrong with it."""
    guard = scope.guard(step.where, name, f"/{name}/where")
    return None if guard is None else MessageFilter(name=name, pattern="where", guard=guard)
