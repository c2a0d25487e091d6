"""What names mean at a place in an expression."""

from __future__ import annotations

import msgspec

from crossdock.router.checking.types import ANYTHING, Type


class Scope(msgspec.Struct, frozen=True):
    """What names mean at a place.

    Attributes:
        context: Type of ``$``, which bare names are fields of.
        root: Type of ``$$``.
        variables: Type of each variable that is known here; assignments add to it.
        outer: The scope around it.
    """

    context: Type
    root: Type
    variables: dict[str, Type]
    outer: Scope | None = None

    def at(self, context: Type) -> Scope:
        """Return the scope of what is evaluated for each item of a context."""
        return Scope(context, self.root, self.variables, self.outer)

    def inside(self, variables: dict[str, Type]) -> Scope:
        """Return a scope within this one: a block, or the body of a function."""
        return Scope(self.context, self.root, dict(variables), self)

    def find(self, name: str) -> Type | None:
        """Return the type of a variable, None when it is not known."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.variables:
                return scope.variables[name]
            scope = scope.outer
        return None

    def names(self) -> list[str]:
        """Return the variables that are known here."""
        found: list[str] = []
        scope: Scope | None = self
        while scope is not None:
            found += scope.variables
            scope = scope.outer
        return found

    def assign(self, name: str, value: Type) -> None:
        """Give a variable of this scope a value; one that has several is not followed."""
        known = self.variables.get(name)
        self.variables[name] = value if known is None or known == value else ANYTHING
