"""From what was found in a part of a route to the file and line that a person opens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from crossdock.contracts import Problem
from crossdock.mesh.expression import Expression
from crossdock.mesh.expression_file import SUFFIX
from crossdock.mesh.expression_guard import line_and_column
from crossdock.mesh.project.document import Document
from crossdock.router.checking.told import Told


class Written(Protocol):
    """What was made of a file: a route or a process."""

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Yield its expressions, each with its JSON Pointer in the file."""


def placed(told: Told, route: Written, document: Document, folder: str) -> Problem:
    """Return the problem with its place: ``file:line``, in a mapping's file ``file:line:column``.

    Args:
        told: What was found.
        route: The route, or the process.
        document: Its file.
        folder: Where files of expressions are, from the project folder.
    """
    finding = told.finding
    path = document.path_of(told.pointer)
    written = _written(document, path)
    texts = {pointer: each.text for pointer, each in route.expressions()}
    line, column = line_and_column(texts.get(told.pointer, ""), finding.at)
    if written.endswith(SUFFIX) and "\n" not in written:
        place = f"{folder}/{written}:{line}:{column}"
        return Problem(message=finding.message, keyword=finding.code, place=place)
    row = line - 1 if path in document.blocks else 0
    return document.problem(finding.message, path, finding.code, row)


def _written(document: Document, path: tuple[str | int, ...]) -> str:
    value = document.value
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return ""
    return value if isinstance(value, str) else ""
