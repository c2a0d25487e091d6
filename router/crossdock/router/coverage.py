"""Branch coverage of a route: which outcomes of its conditions its examples have shown."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor

import msgspec

from crossdock.router.compiled import CompiledRoute
from crossdock.router.testing import Tested


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What the examples of one route have shown.

    Each condition counts twice: that it held and that it did not; so does a detour, on and off. A
    branch without a condition, and ``else``, count once: that they were taken.

    Attributes:
        route: Name of the route.
        shown: Outcomes that an example has shown: ``where held``, ``send/1 taken``.
        missed: Outcomes that none has shown.
    """

    route: str
    shown: tuple[str, ...]
    missed: tuple[str, ...]


def coverage_of(route: CompiledRoute, results: Iterable[Tested]) -> Coverage:
    """Return the coverage of a route.

    Args:
        route: The route.
        results: What came of its examples.
    """
    seen: set[str] = set()
    for result in results:
        seen |= {_outcome(each.branch, held=each.held) for each in result.conditions}
        seen |= {f"{branch} taken" for branch in result.branches}
    wanted = _outcomes(route)
    return Coverage(
        route=route.name,
        shown=tuple(each for each in wanted if each in seen),
        missed=tuple(each for each in wanted if each not in seen),
    )


def percent(coverages: Iterable[Coverage]) -> float:
    """Return how much of several routes is covered, in per cent; 100 when there is nothing.

    It is rounded down to a tenth, so that 100 is nothing but all.
    """
    found = list(coverages)
    shown = sum(len(each.shown) for each in found)
    whole = shown + sum(len(each.missed) for each in found)
    return floor(1000 * shown / whole) / 10 if whole else 100.0


def _outcomes(route: CompiledRoute) -> list[str]:
    """Return what examples could show, in the order of the file."""
    names = [name for step in route.steps for name in step.outcomes()]
    if route.where is not None:
        names.insert(0, route.where.held.branch)
    found = [_outcome(name, held=held) for name in names for held in (True, False)]
    for branch in route.branches:
        if branch.guard is None:
            found.append(f"{branch.name} taken")
        else:
            found += [_outcome(branch.name, held=held) for held in (True, False)]
    return found


def _outcome(name: str, *, held: bool) -> str:
    return f"{name} {'held' if held else 'not held'}"
