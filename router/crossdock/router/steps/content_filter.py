"""Content Filter: ``keep`` and ``drop`` take fields away."""

from __future__ import annotations

from collections.abc import Iterator

from crossdock.contracts import Contract
from crossdock.router.compile_scope import CompileScope
from crossdock.router.flow import Flow, PureStep, Run
from crossdock.router.step_file import Step
from crossdock.router.steps.field_paths import Tree, dropped, kept, parse_path, tree_of


class ContentFilter(PureStep, frozen=True, kw_only=True):
    """Takes fields away. Numbers stay exactly what they are: nothing is computed.

    Attributes:
        keeps: Whether the fields are those that stay; otherwise they are those that go.
        fields: The fields.
        contract: What is left keeps it; None for what is said later.
    """

    keeps: bool
    fields: Tree
    contract: Contract | None

    def apply(self, flow: Flow, run: Run) -> Iterator[Flow]:  # noqa: ARG002 - as every step
        """Yield the part with fewer fields."""
        data = (kept if self.keeps else dropped)(flow.data, self.fields)
        yield flow.changed(self.name, data, self.contract)


def compile_keep(step: Step, name: str, scope: CompileScope) -> ContentFilter | None:
    """Make the step ready to run; None when something is wrong with it."""
    return _compiled(step, name, scope, step.keep or ())


def compile_drop(step: Step, name: str, scope: CompileScope) -> ContentFilter | None:
    """Make the step ready to run; None when something is wrong with it."""
    return _compiled(step, name, scope, step.drop or ())


def _compiled(
    step: Step, name: str, scope: CompileScope, texts: tuple[str, ...]
) -> ContentFilter | None:
    pattern = step.pattern
    contract = scope.contract(step.as_, f"/{name}/as")
    paths = []
    for at, text in enumerate(texts):
        try:
            paths.append(parse_path(text))
        except ValueError as error:
            scope.wrong(f"/{name}/{pattern}/{at}", str(error))
    if not texts:
        scope.wrong(f"/{name}/{pattern}", "names no field")
    if not paths:
        return None
    return ContentFilter(
        name=name,
        pattern=pattern,
        keeps=pattern == "keep",
        fields=tree_of(paths),
        contract=contract,
    )
