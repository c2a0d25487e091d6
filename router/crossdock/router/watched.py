"""A route whose conditions can be watched while it decides, to explain it."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from crossdock.mesh.expression import Expression, Json
from crossdock.router.compiled import CompiledRoute
from crossdock.router.compiled_branch import CompiledBranch
from crossdock.router.conditions import Guard
from crossdock.router.flow import PureStep

T = TypeVar("T")


class Look(msgspec.Struct, frozen=True):
    """One evaluation of a condition.

    Attributes:
        held: Whether it held.
        data: What it was evaluated on.
    """

    held: bool
    data: Json

    def __repr__(self) -> str:  # I6
        return f"Look({self.held})"


Looks = dict[str, list[Look]]
"""By the place of a condition: its evaluations, in order."""


def watched(route: CompiledRoute) -> tuple[CompiledRoute, Looks]:
    """Return a route that decides the same, and where it notes what its conditions saw."""
    looks: Looks = {}
    return _watched(route, looks), looks


class _Watched(Expression):
    __slots__ = ("_looks", "_where")

    def __init__(self, guard: Guard, looks: Looks) -> None:
        super().__init__(guard.expression.text, place=guard.expression.place)
        self._where = guard.held.branch
        self._looks = looks

    def holds(self, value: Json, bindings: dict[str, Json] | None = None) -> bool:
        held = super().holds(value, bindings)
        self._looks.setdefault(self._where, []).append(Look(held, value))
        return held


def _watched(value: T, looks: Looks) -> T:
    """Return a part of a route with every condition in it watched."""
    found: Any = value
    if isinstance(found, Guard):
        found = msgspec.structs.replace(found, expression=_Watched(found, looks))
    elif isinstance(found, tuple):
        found = tuple(_watched(each, looks) for each in found)
    elif isinstance(found, CompiledRoute | CompiledBranch | PureStep):
        fields = {name: getattr(found, name) for name in found.__struct_fields__}
        changes = {name: _watched(each, looks) for name, each in fields.items()}
        found = msgspec.structs.replace(found, **changes)
    result: T = found
    return result
