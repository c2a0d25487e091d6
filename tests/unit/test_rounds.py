"""One task visits many; it ends with the last, and a bug of one keeps nobody from a visit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from crossdock.mesh.bus.rounds import Rounds


class Visitor:
    def __init__(self, error: Exception | None = None) -> None:
        self.visits = 0
        self.error = error

    async def visit(self) -> None:
        self.visits += 1
        if self.error is not None:
            raise self.error


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


def tasks() -> int:
    return sum(each.get_name().startswith("rounds") for each in asyncio.all_tasks())


async def test_all_are_visited_again_and_again_by_one_task() -> None:
    rounds = Rounds(0.01)
    members = [Visitor() for _ in range(100)]
    for each in members:
        rounds.join(each)
    assert tasks() == 1
    await until(lambda: all(each.visits > 2 for each in members))


async def test_who_left_is_not_visited_and_the_task_ends_with_the_last() -> None:
    rounds = Rounds(0.01)
    stays, leaves = Visitor(), Visitor()
    rounds.join(stays)
    rounds.join(leaves)
    rounds.leave(leaves)
    rounds.leave(leaves)
    await until(lambda: stays.visits > 2)
    assert leaves.visits == 0
    rounds.leave(stays)
    await until(lambda: tasks() == 0)
    rounds.join(stays)
    seen = stays.visits
    await until(lambda: stays.visits > seen)


async def test_one_that_fails_keeps_no_other_from_a_visit() -> None:
    rounds = Rounds(0.01)
    members = [Visitor(ValueError("secret")), Visitor(), Visitor(ValueError("secret"))]
    for each in members:
        rounds.join(each)
    await until(lambda: all(each.visits > 2 for each in members))
