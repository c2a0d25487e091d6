"""A message that failed at a step goes on from there: tried again, or sent again by a redrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from starlette.responses import JSONResponse, Response

from answering_peer import AnsweringPeer, Question
from crossdock.cli.dead_letters import described
from crossdock.cli.redriving import Act, Redrive, Repair
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus
from crossdock.mesh.expression import Json
from nats_server import NatsServer
from project_folder import write
from running_router import connected, in_book, project, put, running_router

STEPS = """\
- enrich: {call: reserve, with: "{'sku': sku}", into: reserved}
- enrich: {call: price, with: "{'sku': sku}", into: price}
- enrich: {call: pay, with: "{'sku': sku}", into: paid}
- map: "{'reserved': $reserved, 'price': $price, 'paid': $paid}"
"""
PARTS = """\
- split: lines
  steps:
    - enrich: {call: reserve, with: "{'sku': sku}", into: reserved}
    - map: "{'sku': sku, 'reserved': $reserved}"
  join: {into: made}
- enrich: {call: pay, with: "{'n': $count($made)}", into: paid}
- map: "{'lines': $made, 'paid': $paid}"
"""


class Shop:
    """Counts what it is asked; `pay` fails until it is repaired."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.keys: dict[str, set[str]] = {}
        self.broken = 422

    def __call__(self, question: Question) -> Response:
        what = question.target.strip("/")
        self.asked.append(what)
        self.keys.setdefault(what, set()).add(question.headers.get("idempotency-key", ""))
        if what == "pay" and self.broken:
            return JSONResponse({}, status_code=self.broken)
        return JSONResponse({"number": len(self.asked)})


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


@pytest.fixture
def shop() -> Shop:
    return Shop()


def calling(folder: Path, url: str, steps: str = STEPS) -> Path:
    project(folder, steps, policy="{attempts: 3, delays: [20ms], breaker_pause: 50ms}")
    for name, method in (("reserve", "POST"), ("price", "GET"), ("pay", "POST")):
        text = f"call: {name}\nhttp: {{url: '{url}/{name}', method: {method}}}\n"
        write(folder, f"calls/{name}.yaml", text)
    return folder


async def redriven(
    bus: Bus, folder: Path, patch: bytes | None = None, *, from_start: bool = False
) -> None:
    """Send the one dead letter again."""
    letter = await dead(bus)
    redrive = Redrive(
        numbers=(letter.sequence,),
        repair=Repair(folder, patch=patch),
        act=Act(by="ada", reason="repaired"),
        from_start=from_start,
        quiet=True,
    )
    assert (await redrive.run(bus)).sent == 1


async def dead(bus: Bus) -> dead_letters.DeadLetter:
    """Return the one dead letter as soon as it is there."""
    async with asyncio.timeout(30):
        while True:
            async for each in dead_letters.listing(bus):
                return each
            await asyncio.sleep(0.02)


async def booked(bus: Bus) -> list[Json]:
    """Return what was sent, once something was."""
    async with asyncio.timeout(30):
        while not await in_book(bus):
            await asyncio.sleep(0.02)
    return [msgspec.json.decode(each.data) for each in await in_book(bus)]


async def test_i3_a_redrive_repeats_no_call_that_was_made_before_the_step_that_failed(
    bus: Bus, tmp_path: Path, shop: Shop
) -> None:
    with AnsweringPeer(shop) as peer:
        async with running_router(bus, calling(tmp_path, peer.url)):
            await put(bus, 1, {"sku": "tea"})
            letter = await dead(bus)
            shop.broken = 0
            await redriven(bus, tmp_path)
            (made,) = await booked(bus)
    assert shop.asked == ["reserve", "price", "pay", "price", "pay"]  # what reads is asked again
    assert made == {"reserved": {"number": 1}, "price": {"number": 4}, "paid": {"number": 5}}
    assert described(letter, data=False)["done"] is True
    assert letter.done not in str(described(letter, data=True))  # I6


async def test_with_from_start_a_redrive_repeats_all(bus: Bus, tmp_path: Path, shop: Shop) -> None:
    with AnsweringPeer(shop) as peer:
        async with running_router(bus, calling(tmp_path, peer.url)):
            await put(bus, 1, {"sku": "tea"})
            await dead(bus)
            shop.broken = 0
            await redriven(bus, tmp_path, from_start=True)
            await booked(bus)
    assert shop.asked == ["reserve", "price", "pay"] * 2


async def test_a_call_that_failed_for_now_is_tried_again_without_those_before_it(
    bus: Bus, tmp_path: Path, shop: Shop
) -> None:
    shop.broken = 500
    with AnsweringPeer(shop) as peer:
        async with running_router(bus, calling(tmp_path, peer.url)):
            await put(bus, 1, {"sku": "tea"})
            assert (await dead(bus)).cause.attempts == 3
            assert shop.asked.count("reserve") == 1
            assert shop.asked.count("pay") == 3
            await redriven(bus, tmp_path)  # and fails again: what was done stays known
            await dead(bus)
            shop.broken = 0
            await redriven(bus, tmp_path)
            assert len(await booked(bus)) == 1
    assert shop.asked.count("reserve") == 1
    assert [len(shop.keys[each]) for each in ("reserve", "pay")] == [1, 1]  # I4
    assert shop.keys["price"] == {""}
    assert shop.keys["reserve"] != shop.keys["pay"]


async def test_each_part_of_a_message_keeps_its_own_answer(
    bus: Bus, tmp_path: Path, shop: Shop
) -> None:
    lines = [{"sku": "tea"}, {"sku": "cup"}, {"sku": "tea"}]
    with AnsweringPeer(shop) as peer:
        async with running_router(bus, calling(tmp_path, peer.url, PARTS)):
            await put(bus, 1, {"lines": lines})
            await dead(bus)
            shop.broken = 0
            await redriven(bus, tmp_path)
            (made,) = await booked(bus)
    assert shop.asked.count("reserve") == 2  # parts that ask the same ask once
    assert isinstance(made, dict)
    assert isinstance(made["lines"], list)
    assert [each["sku"] for each in made["lines"] if isinstance(each, dict)] == [
        "tea",
        "cup",
        "tea",
    ]


async def test_what_a_repair_changes_is_asked_anew(bus: Bus, tmp_path: Path, shop: Shop) -> None:
    with AnsweringPeer(shop) as peer:
        async with running_router(bus, calling(tmp_path, peer.url)):
            await put(bus, 1, {"sku": "tea"})
            await dead(bus)
            shop.broken = 0
            patch = b'[{"op": "replace", "path": "/sku", "value": "cup"}]'
            await redriven(bus, tmp_path, patch)
            await booked(bus)
    assert shop.asked.count("reserve") == 2


PYTHON = """
from pathlib import Path
from crossdock.router.python_steps import step

@step(accepts="sales.order.placed", emits="sales.order.placed")
def count(order: dict) -> dict:
    with Path({log!r}).open("a") as log:
        log.write("{version}")
    return order
"""


async def test_a_python_step_is_called_again_only_when_its_file_has_changed(
    bus: Bus, tmp_path: Path, shop: Shop
) -> None:
    log = tmp_path / "log"
    steps = "- python: count\n" + STEPS
    with AnsweringPeer(shop) as peer:
        folder = calling(tmp_path, peer.url, steps)
        write(folder, "steps/count.py", PYTHON.format(log=str(log), version="1"))
        async with running_router(bus, folder):
            await put(bus, 1, {"sku": "tea"})
            await redriven(bus, tmp_path)
            await dead(bus)
            assert log.read_text() == "1"
        write(folder, "steps/count.py", PYTHON.format(log=str(log), version="2"))
        shop.broken = 0
        async with running_router(bus, folder):
            await redriven(bus, tmp_path)
            await booked(bus)
    assert log.read_text() == "12"
    assert shop.asked.count("reserve") == 1
