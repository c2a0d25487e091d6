"""Drives a route that decides with questions: asks them, and sends it the answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from crossdock.router.effects import Answer, Deciding, Effect

T = TypeVar("T")


def drive(deciding: Deciding[T], answer: Callable[[Effect], Answer]) -> T:
    """Return what is decided, with answers that are there already.

    Args:
        deciding: Not yet started.
        answer: Answers one question; what it raises is not passed on to the route.

    Raises:
        CrossdockError: What the route raises.
    """
    try:
        effects = next(deciding)
        while True:
            effects = deciding.send([answer(each) for each in effects])
    except StopIteration as end:
        decided: T = end.value
        return decided
    finally:
        deciding.close()


async def drive_async(
    deciding: Deciding[T],
    answer: Callable[[Sequence[Effect]], Awaitable[Sequence[Answer]]],
) -> T:
    """Return what is decided, waiting for the answers.

    Args:
        deciding: Not yet started.
        answer: Answers questions that may be asked at once, in their order.

    Raises:
        CrossdockError: What the route raises.
    """
    try:
        effects = next(deciding)
        while True:
            effects = deciding.send(await answer(effects))
    except StopIteration as end:
        decided: T = end.value
        return decided
    finally:
        deciding.close()
