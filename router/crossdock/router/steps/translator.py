"""Message Translator: ``map`` makes the data that the next step sees."""

from __future__ import annotations

from collections.abc import Iterator

from crossdock.contracts import Contract
from crossdock.mesh.expression import Expression
from crossdock.router.compile_scope import CompileScope
from crossdock.router.flow import Flow, PureStep, Run
from crossdock.router.step_file import Step


class Translator(PureStep, frozen=True, kw_only=True):
    """Makes other data.

    Attributes:
        mapping: Makes it.
        contract: What it keeps, None for what is said later.
    """

    mapping: Expression
    contract: Contract | None

    def apply(self, flow: Flow, run: Run) -> Iterator[Flow]:  # noqa: ARG002 - as every step
        """Yield the part with other data."""
        flow.check_exact(self.name)
        data, raw = self.mapping.transform(flow.data, flow.variables)
        yield flow.changed(self.name, data, self.contract, raw)

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Yield the mapping."""
        yield f"/{self.name}/map", self.mapping


def compile_map(step: Step, name: str, scope: CompileScope) -> Translator | None:
    """Make the step ready to run; None when something is wrong with it."""
    mapping = scope.expression(step.map, f"/{name}/map")
    contract = scope.contract(step.as_, f"/{name}/as")
    if mapping is None:
        return None
    return Translator(name=name, pattern="map", mapping=mapping, contract=contract)
