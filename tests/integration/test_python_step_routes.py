"""Routes with Python steps on a real broker: decided, followed live, and failing as they say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from crossdock.contracts import Halt
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus
from crossdock.router.loading import load_router
from nats_server import NatsServer
from project_folder import write
from running_router import connected, entries, in_book, project, put, started, stop

HEAD = "from crossdock.contracts import Reject\nfrom crossdock.router.python_steps import step\n"
STEP = '@step(accepts="sales.order.placed", emits="sales.order.placed")\n'
DOUBLE = HEAD + STEP + "def change(data):\n    return {'total': data['total'] * 2}\n"
TRIPLE = DOUBLE.replace("* 2", "* 3")
CAREFUL = (
    HEAD
    + STEP
    + (
        "def change(data):\n"
        "    if data['total'] < 0:\n        raise Reject('below zero')\n"
        "    if data['total'] == 0:\n        return None\n"
        "    return data\n"
    )
)


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


def folder_with(tmp_path: Path, text: str) -> Path:
    write(tmp_path, "steps/own.py", text)
    return project(tmp_path, "- python: change")


async def totals(bus: Bus) -> list[float]:
    return [msgspec.json.decode(each.data)["total"] for each in await in_book(bus)]


async def test_what_a_function_makes_is_sent_on(bus: Bus, tmp_path: Path) -> None:
    router = await started(bus, folder_with(tmp_path, DOUBLE))
    for number in range(100):
        await put(bus, number, {"total": number})
    await stop(router, bus)
    assert sorted(await totals(bus)) == [2 * number for number in range(100)]


async def test_nothing_is_filtered_and_a_refusal_is_a_dead_letter(
    bus: Bus, tmp_path: Path
) -> None:  # I9
    router = await started(bus, folder_with(tmp_path, CAREFUL))
    for number, total in enumerate((5, 0, -1)):
        await put(bus, number, {"total": total})
    await stop(router, bus)
    assert await totals(bus) == [5]
    found = {each.id: each.outcome for each in await entries(bus)}
    assert found == {"m0": "routed", "m1": "filtered", "m2": "dead"}
    (dead,) = [each async for each in dead_letters.listing(bus)]
    assert "below zero" in dead.cause.reason


async def test_a_changed_function_is_in_effect_and_a_broken_one_changes_nothing(
    bus: Bus, tmp_path: Path
) -> None:
    folder = folder_with(tmp_path, DOUBLE)
    router = await started(bus, folder)
    await put(bus, 0, {"total": 1})
    write(folder, "steps/own.py", TRIPLE)
    async with asyncio.timeout(20):
        while not await totals(bus):
            await asyncio.sleep(0.02)
    await router.apply(load_router(folder))
    await put(bus, 1, {"total": 1})
    await stop(router, bus)
    assert await totals(bus) == [2, 3]
    write(folder, "steps/own.py", "import no_such_module\n")
    with pytest.raises(Halt) as caught:
        load_router(folder)
    assert caught.value.problems[0].place == "steps/own.py:1"


def test_a_step_that_nobody_wrote_is_told_with_its_place(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, DOUBLE.replace("def change", "def other"))
    with pytest.raises(Halt) as caught:
        load_router(folder)
    (problem,) = caught.value.problems
    assert "no Python step 'change': write it in steps/; there is other" in problem.message
