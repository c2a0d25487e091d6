"""What compiling a route needs at every place: contracts, expressions, and a list of problems."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from crossdock.contracts import Contract, ContractRef, Halt, Problem, Registry, Reject, is_token
from crossdock.mesh.expression import Expression
from crossdock.mesh.expression_file import load_expression
from crossdock.router.conditions import Guard
from crossdock.router.python_steps.frames import Described

_VARIABLE: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,62}\Z")
_FUNCTIONS: Final = (
    "abs append assert average base64decode base64encode boolean ceil contains count "
    "decodeUrl decodeUrlComponent distinct each encodeUrl encodeUrlComponent error eval exists "
    "filter floor formatBase formatInteger formatNumber fromMillis join keys length lookup "
    "lowercase map match max merge millis min not now number pad parseInteger power random reduce "
    "replace reverse round shuffle sift single sort split spread sqrt string substring "
    "substringAfter substringBefore sum toMillis trim type uppercase zip"
)
TAKEN: Final = frozenset({"group", "message", "part", "whole", *_FUNCTIONS.split()})
"""Names of variables that expressions know without a step: ours, and JSONata's functions."""


class CompileScope:
    """Compiles the parts of one route and collects what is wrong with them.

    Attributes:
        route: Name of the route.
        source: CloudEvents ``source`` of what it makes.
        accepted: The contracts that it accepts, by ``dataschema``.
        problems: Each with its JSON Pointer in the route file.
        noun: What it is: what error texts at run time call it.
    """

    noun = "route"

    def __init__(
        self,
        route: str,
        source: str,
        registry: Registry,
        folder: Path,
        calls: Collection[str],
        functions: Mapping[str, Described],
    ) -> None:
        """Remember where things are.

        Args:
            route: Name of the route.
            source: CloudEvents ``source`` of what it makes.
            registry: The contracts of the project.
            folder: Where ``.jsonata`` files are looked for.
            calls: Names of the calls of the project.
            functions: Its Python steps, by name.
        """
        self._functions = functions
        self.route = route
        self.source = source
        self.accepted: dict[str, Contract] = {}
        self._registry = registry
        self._folder = folder
        self._calls = calls
        self._detours: set[str] = set()
        self.problems: list[Problem] = []

    def contract(self, text: str | None, pointer: str) -> Contract | None:
        """Return the contract that is meant; None when there is none."""
        if text is None:
            return None
        try:
            contract = self._registry.resolve(ContractRef.parse(text))
            contract.compile()
        except ValueError as error:
            self.wrong(pointer, str(error), "unknown-contract")
        except (Reject, Halt) as error:
            self.wrong(pointer, error.reason, "unknown-contract")
        else:
            return contract
        return None

    def guard(self, text: str | None, name: str, pointer: str) -> Guard | None:
        """Return a condition; None when there is none."""
        expression = self.expression(text, pointer)
        return None if expression is None else Guard.of(expression, name)

    def expression(self, text: str | None, pointer: str) -> Expression | None:
        """Return an expression; None when there is none."""
        if text is None:
            return None
        place = f"{self.noun} {self.route}, {pointer[1:]}"
        try:
            return load_expression(text, self._folder, place=place)
        except ValueError as error:
            self.wrong(pointer, str(error), "bad-expression")
            return None

    def variable(self, name: str, pointer: str) -> str:
        """Return the name of a variable that a step makes, once it is known to be usable."""
        if not _VARIABLE.match(name) or name in TAKEN:
            self.wrong(
                pointer,
                f"{name[:80]!r} cannot be the name of a variable: use letters and digits, first a "
                "letter, and no name that is there already",
            )
        return name

    def detour(self, name: str, pointer: str) -> str:
        """Return the name of a detour, once it is known to be a name that no other one has."""
        if not is_token(name):
            self.wrong(pointer, f"{name[:80]!r} is not a name: use a-z, 0-9, - and _")
        if name in self._detours:
            self.wrong(pointer, f"the route has a detour {name[:80]!r} already")
        self._detours.add(name)
        return name

    def call(self, name: str, pointer: str) -> None:
        """Check that a call is there."""
        if name not in self._calls:
            there = ", ".join(sorted(self._calls)) or "none"
            self.wrong(
                pointer, f"no call {name[:80]!r}: add calls/{name[:80]}.yaml; there is {there}"
            )

    def function(self, name: str, pointer: str) -> Described | None:
        """Return a Python step; None when there is none of that name."""
        found = self._functions.get(name)
        if found is None:
            there = ", ".join(sorted(self._functions)) or "none"
            message = f"no Python step {name[:80]!r}: write it in steps/; there is {there}"
            self.wrong(pointer, message, "unknown-function")
        return found

    def wrong(self, pointer: str, message: str, code: str = "") -> None:
        """Note a problem; ``code`` is one of those that checks of routes tell."""
        self.problems.append(Problem(message=message, pointer=pointer, keyword=code))
