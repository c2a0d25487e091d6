"""``@step``: says that a function is a step, and what it takes and gives. It stays a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

F = TypeVar("F", bound=Callable[..., Any])
MARK: Final = "__crossdock_step__"
_MOST_ARGUMENTS: Final = 2


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """What is declared of a step.

    Attributes:
        name: How routes call it.
        accepts: Contract of what it takes, ``name@range``.
        emits: Contract of what it gives, ``name@range``.
        timeout: Longest time for one call, in seconds; None for what the project says.
        line: Where it is written in its file.
        attributes: Whether it also takes the message's attributes.
    """

    name: str
    accepts: str
    emits: str
    timeout: float | None
    line: int
    attributes: bool


def step(
    *, accepts: str, emits: str, name: str | None = None, timeout: float | None = None
) -> Callable[[F], F]:
    """Make a function a step of routes.

    The function takes the data of a message, as JSON decodes it or as the type of its first
    parameter says (a msgspec Struct, say), and returns the data that goes on, or None when nothing
    does. With a second parameter it is also given the message's CloudEvents attributes. It may be
    ``async``; if it is not, it runs in a thread and blocks nobody. It is called with the same
    message again after a failure, so it has to make the same of it.

    It may raise the four instructions of :mod:`crossdock.contracts.errors`; anything else it raises
    is tried again, as the route's policy says.

    Args:
        accepts: Contract of what it takes, ``name@range``.
        emits: Contract of what it gives, ``name@range``; checked after each call.
        name: How routes call it; the function's name when not given.
        timeout: Longest time for one call, in seconds; what the project says when not given.

    Raises:
        TypeError: It has not one or two parameters that can be given by position.
        ValueError: The time is not positive.
    """
    if timeout is not None and timeout <= 0:
        raise ValueError(f"timeout is {timeout}: write seconds, more than 0")

    def mark(function: F) -> F:
        parameters = list(inspect.signature(function).parameters.values())
        given = [
            each
            for each in parameters
            if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
        ]
        if not 1 <= len(given) <= _MOST_ARGUMENTS or len(given) != len(parameters):
            raise TypeError(f"{function.__name__}: a step takes data, or data and attributes")
        declared = Declared(
            name=name or function.__name__,
            accepts=accepts,
            emits=emits,
            timeout=timeout,
            line=function.__code__.co_firstlineno,
            attributes=len(given) == _MOST_ARGUMENTS,
        )
        setattr(function, MARK, declared)
        return function

    return mark
