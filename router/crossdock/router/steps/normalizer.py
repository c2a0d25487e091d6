"""Normalizer: ``normalize`` makes one contract of several."""

from __future__ import annotations

from collections.abc import Iterator

from crossdock.contracts import Contract, ContractRef
from crossdock.mesh.expression import Expression
from crossdock.router.compile_scope import CompileScope
from crossdock.router.flow import Flow, PureStep, Run
from crossdock.router.step_file import Step


class Normalizer(PureStep, frozen=True, kw_only=True):
    """Makes one contract of several, with a mapping for each.

    Attributes:
        mappings: By ``dataschema`` of what came in; what has none keeps the contract already.
        written: The same as written: ``name@range`` and its mapping.
        contract: The one.
    """

    mappings: dict[str, Expression]
    written: tuple[tuple[str, Expression], ...]
    contract: Contract

    def apply(self, flow: Flow, run: Run) -> Iterator[Flow]:
        """Yield the part in its one form."""
        mapping = self.mappings.get(run.accepted.dataschema)
        if mapping is None:
            yield flow.changed(self.name, flow.data, self.contract, flow.raw)
            return
        flow.check_exact(self.name)
        data, raw = mapping.transform(flow.data, flow.variables)
        yield flow.changed(self.name, data, self.contract, raw)

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Yield each mapping."""
        for ref, mapping in self.written:
            yield f"/{self.name}/normalize/{ref}", mapping


def compile_normalize(step: Step, name: str, scope: CompileScope) -> Normalizer | None:
    """Make the step ready to run; None when something is wrong with it."""
    contract = scope.contract(step.as_, f"/{name}/as")
    if step.as_ is None:
        scope.wrong(f"/{name}/normalize", "say with `as` which contract it makes")
    mappings: dict[str, Expression] = {}
    written = []
    for ref, text in (step.normalize or {}).items():
        pointer = f"/{name}/normalize/{ref}"
        mapping = scope.expression(text, pointer)
        meant = _meant(ref, pointer, scope)
        if mapping is not None:
            written.append((ref, mapping))
            mappings.update(dict.fromkeys(meant, mapping))
    if contract is None:
        return None
    for each in scope.accepted.values():
        if each.dataschema not in mappings and each.name != contract.name:
            message = f"no mapping for {each.name} {each.version}, which the route accepts"
            scope.wrong(f"/{name}/normalize", message)
    return Normalizer(
        name=name,
        pattern="normalize",
        mappings=mappings,
        written=tuple(written),
        contract=contract,
    )


def _meant(text: str, pointer: str, scope: CompileScope) -> list[str]:
    """Return each accepted ``dataschema`` in a range."""
    try:
        ref = ContractRef.parse(text)
    except ValueError as error:
        scope.wrong(pointer, str(error))
        return []
    found = [
        each.dataschema
        for each in scope.accepted.values()
        if each.name == ref.name and ref.accepts(each.version)
    ]
    if not found:
        scope.wrong(pointer, f"the route accepts nothing that is {text[:80]}")
    return found
