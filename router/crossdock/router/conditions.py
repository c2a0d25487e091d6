"""Conditions of a route, and what came of them."""

from __future__ import annotations

import msgspec

from crossdock.mesh.expression import Expression


class Condition(msgspec.Struct, frozen=True):
    """A condition and what came of it.

    Attributes:
        branch: Where it stands in the route: ``where``, ``send/0``, ``send_all/2``, ``steps/1``.
        held: Whether it held.
    """

    branch: str
    held: bool


class Guard(msgspec.Struct, frozen=True):
    """A condition of the route, with both of its outcomes made in advance.

    Attributes:
        expression: The condition.
        held: What is noted when it holds.
        failed: What is noted when it does not.
    """

    expression: Expression
    held: Condition
    failed: Condition

    @classmethod
    def of(cls, expression: Expression, branch: str) -> Guard:
        """Return the condition of a branch or step."""
        return cls(expression, Condition(branch, held=True), Condition(branch, held=False))
