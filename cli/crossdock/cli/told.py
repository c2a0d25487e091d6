"""How problems of a project are told on a terminal: ``file:line: code: what is wrong``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crossdock.cli.console import say
from crossdock.contracts import Problem
from crossdock.router.checking.codes import CODES


def say_problems(problems: Iterable[Problem], warnings: Iterable[Problem]) -> None:
    """Write each problem, then each warning, on its line."""
    for each in problems:
        say(f"{each.place}: {_code(each)}{each.message}")
    for each in warnings:
        say(f"{each.place}: warning: {_code(each)}{each.message}")


def counted(problems: Sequence[Problem]) -> str:
    """Return how many there are to correct."""
    return f"{len(problems)} problem{'s' if len(problems) > 1 else ''} to correct"


def _code(problem: Problem) -> str:
    return f"{problem.keyword}: " if problem.keyword in CODES else ""
