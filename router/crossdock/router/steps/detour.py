"""Detour: ``detour`` takes messages through steps of its own for as long as it is switched on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from crossdock.mesh.expression import Expression
from crossdock.router.conditions import Condition, Guard
from crossdock.router.effects import Deciding
from crossdock.router.flow import EffectStep, Flow, PureStep, Run, walk


class Detour(EffectStep, frozen=True, kw_only=True):
    """Takes messages through its steps, or past them.

    Attributes:
        detour: Its name.
        on: Whether it is taken as long as no operator has decided on it.
        steps: Its steps.
    """

    detour: str
    on: bool
    steps: tuple[PureStep, ...]

    @property
    def asks(self) -> bool:
        """Whether one of its steps does."""
        return any(each.asks for each in self.steps)

    @property
    def destinations(self) -> tuple[str, ...]:
        """Those of its steps."""
        return tuple(name for each in self.steps for name in each.destinations)

    def run(self, flows: list[Flow], run: Run) -> Deciding[list[Flow]]:
        """Return what its steps make of all parts, or the parts as they are."""
        on = run.detours.get(self.detour, self.on)
        run.conditions[Condition(self.name, held=on)] = None
        run.notes[self.name] = "on" if on else "off"
        return (yield from walk(self.steps, flows, run)) if on else flows

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Yield those of its steps."""
        for step in self.steps:
            yield from step.expressions()

    def guards(self) -> Iterator[Guard]:
        """Yield those of its steps."""
        for step in self.steps:
            yield from step.guards()

    def outcomes(self) -> Iterator[str]:
        """Yield its own, on and off, then those of its steps."""
        yield self.name
        for step in self.steps:
            yield from step.outcomes()


def detours_in(steps: tuple[PureStep, ...]) -> Iterator[Detour]:
    """Yield the detours of a route, also those within other steps."""
    for step in steps:
        if isinstance(step, Detour):
            yield step
        yield from detours_in(getattr(step, "steps", ()))


Switched = Mapping[str, bool]
"""Which detours are taken, by name; those that are not in it are as the route file says."""
