"""Splitter: ``split`` makes parts of a message; each goes on by itself.

With ``join`` the parts come together again, in their order, once they have been through the
splitter's own steps (Composed Message Processor).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from crossdock.contracts import Contract, Reject
from crossdock.mesh.expression import UNDEFINED, Expression, Json
from crossdock.router.conditions import Guard
from crossdock.router.effects import Deciding
from crossdock.router.flow import MAX_PARTS, EffectStep, Flow, PureStep, Run, walk


class Splitter(EffectStep, frozen=True, kw_only=True):
    """Makes parts.

    Attributes:
        parts: Gives the list of them. What is no list is one part; nothing is none.
        contract: What each part keeps; None for what is said later.
        steps: What the parts go through before anything else does.
        join: Variable that then holds the data of all parts of the whole, which goes on; None when
            the parts go on.
    """

    parts: Expression
    contract: Contract | None
    steps: tuple[PureStep, ...]
    join: str | None

    @property
    def asks(self) -> bool:
        """Whether one of its steps does."""
        return any(each.asks for each in self.steps)

    @property
    def destinations(self) -> tuple[str, ...]:
        """Those of its steps."""
        return tuple(name for each in self.steps for name in each.destinations)

    def run(self, flows: list[Flow], run: Run) -> Deciding[list[Flow]]:
        """Return the parts of all, or each whole with what its parts became."""
        made: list[Flow] = []
        for flow in flows:
            made += self._split(flow)
            if len(made) > MAX_PARTS:
                raise Reject(f"{self.name} makes more than {MAX_PARTS} parts")
        run.notes[self.name] = f"{len(made)} parts"
        made = yield from walk(self.steps, made, run)
        return made if self.join is None else self._joined(flows, made, self.join)

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Yield its own, then those of its steps."""
        yield f"/{self.name}/split", self.parts
        for step in self.steps:
            yield from step.expressions()

    def guards(self) -> Iterator[Guard]:
        """Yield those of its steps."""
        for step in self.steps:
            yield from step.guards()

    def outcomes(self) -> Iterator[str]:
        """Yield those of its steps."""
        for step in self.steps:
            yield from step.outcomes()

    def _split(self, flow: Flow) -> list[Flow]:
        flow.check_exact(self.name)
        found = self.parts.evaluate(flow.data, flow.variables)
        if found is UNDEFINED or found is None:
            return []
        values = found if isinstance(found, list) else [found]
        count = len(values)
        if count > MAX_PARTS:
            raise Reject(f"{self.name} makes {count} parts; {MAX_PARTS} are allowed")
        return [self._part(flow, value, at, count) for at, value in enumerate(values)]

    def _part(self, flow: Flow, value: Json, at: int, count: int) -> Flow:
        part = msgspec.structs.replace(
            flow,
            variables=flow.variables | {"whole": flow.data, "part": {"index": at, "count": count}},
            part=(*flow.part, at),
            extensions=flow.extensions | {"partindex": str(at), "partcount": str(count)},
        )
        return part.changed(self.name, value, self.contract)

    @staticmethod
    def _joined(wholes: list[Flow], parts: list[Flow], name: str) -> list[Flow]:
        """Return the wholes, each with what became of its parts; parts that ended are left out."""
        found: dict[tuple[int, ...], list[Json]] = {whole.part: [] for whole in wholes}
        depth = len(wholes[0].part)
        for part in parts:
            found[part.part[:depth]].append(part.data)
        return [
            msgspec.structs.replace(whole, variables=whole.variables | {name: found[whole.part]})
            for whole in wholes
        ]
