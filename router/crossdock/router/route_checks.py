"""What is wrong with a route though it compiles: found from the route and its contracts alone.

Best effort: what cannot be decided from the text is let through, so a problem told is a real one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from crossdock.contracts import Contract, Problem
from crossdock.mesh.expression import Expression
from crossdock.router.compiled import CompiledRoute

_OF_A_MEMBER: Final = ("/aggregate/by", "/aggregate/order", "/aggregate/complete/size")
_TEXT: Final = re.compile(r'"(?:\\.|[^"\\])*"|' r"'(?:\\.|[^'\\])*'")
_WORDS: Final = frozenset({"and", "or", "in", "true", "false", "null"})
# Brackets, variables, blocks, wildcards and parents change what a name is relative to.
_UNDECIDED: Final = re.compile(r"[$(){}\[\]`@#%^~|?:;/*]")
_PATH: Final = re.compile(r"\b[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*")
# Keywords by which a schema may allow more properties than it lists.
_OPEN: Final = frozenset(
    {"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "patternProperties"}
)


def check_route(route: CompiledRoute) -> list[Problem]:
    """Return what is wrong with a compiled route, each with its JSON Pointer in the route file."""
    return [*_unreachable(route), *_unknown_fields(route)]


def _unreachable(route: CompiledRoute) -> Iterator[Problem]:
    """Find branches behind one that is always taken."""
    if route.send_all:
        return
    for at, branch in enumerate(route.branches[:-1]):
        if branch.guard is None:
            later = route.branches[at + 1].name
            message = "never reached: the branch before it always holds; give that one a `when`"
            yield Problem(message=message, pointer=f"/{later}", keyword="unreachable")
            return


def _unknown_fields(route: CompiledRoute) -> Iterator[Problem]:
    """Find fields that no accepted version of the contract can have."""
    for pointer, expression in _on_input(route):
        for path in paths(expression.text):
            if all(_lacks(contract, path) for contract in route.accepted.values()):
                yield Problem(
                    message=f"no field {'.'.join(path)!r} in {_names(route.accepted.values())}",
                    pointer=pointer,
                    keyword="field",
                )


def _on_input(route: CompiledRoute) -> Iterator[tuple[str, Expression]]:
    """Yield the expressions that see the data as it came in: before a step, or without any."""
    for pointer, expression in route.expressions():
        first = not route.steps and (route.aggregate is None or pointer in _OF_A_MEMBER)
        if first or pointer == "/where":
            yield pointer, expression


def paths(text: str) -> list[tuple[str, ...]]:
    """Return the field paths of a plain expression; none when it is not plain enough to tell."""
    code = _TEXT.sub("0", text)
    if _UNDECIDED.search(code):
        return []
    found = (re.split(r"\s*\.\s*", each[0]) for each in _PATH.finditer(code))
    return [tuple(path) for path in found if path[0] not in _WORDS]


def _lacks(contract: Contract, path: tuple[str, ...]) -> bool:
    """Tell whether data under a contract can never have this path."""
    schema: Any = contract.schema
    for name in path:
        while isinstance(schema, dict) and schema.get("type") == "array":
            schema = schema.get("items")  # a path goes through every item of a list
        if not isinstance(schema, dict) or not _OPEN.isdisjoint(schema):
            return False
        properties = schema.get("properties", {})
        if name not in properties:
            return schema.get("additionalProperties") is False
        schema = properties[name]
    return False


def _names(contracts: Iterable[Contract]) -> str:
    return ", ".join(f"{each.name} {each.version}" for each in contracts)
