"""Scatter-Gather on a real broker, with real systems to ask: one of them is slow."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from starlette.responses import JSONResponse

from answering_peer import AnsweringPeer
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus
from nats_server import NatsServer
from project_folder import write
from running_router import connected, in_book, project, put, started, stop

STEPS = """\
- scatter:
    ask: {{first: "{{'sku': sku}}", second: "{{'sku': sku}}", slow: "{{'sku': sku}}"}}
    into: offers
    deadline: 1s
    at_least: {}
- map: "{{'sku': sku, 'offers': [$offers]}}"
"""


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


def asking(folder: Path, at_least: int, **urls: str) -> Path:
    project(folder, STEPS.format(at_least), policy="{attempts: 2, delays: [20ms]}")
    for name, url in urls.items():
        write(folder, f"calls/{name}.yaml", f"call: {name}\nhttp: {{url: '{url}/{{sku}}'}}\n")
    return folder


async def test_what_is_answered_in_time_goes_on(bus: Bus, tmp_path: Path) -> None:
    with (
        AnsweringPeer(lambda _: JSONResponse(4)) as first,
        AnsweringPeer(lambda _: JSONResponse(3)) as second,
        AnsweringPeer(lambda _: JSONResponse(1), wait=3) as slow,
    ):
        folder = asking(tmp_path, 2, first=first.url, second=second.url, slow=slow.url)
        router = await started(bus, folder)
        for number in range(3):
            await put(bus, number, {"sku": f"s{number}"})
        await stop(router, bus)
    offers = [{"from": "first", "answer": 4}, {"from": "second", "answer": 3}]
    found = [msgspec.json.decode(each.data) for each in await in_book(bus)]
    assert sorted(found, key=lambda each: each["sku"]) == [
        {"sku": f"s{number}", "offers": offers} for number in range(3)
    ]
    assert len(slow.questions) >= 3


async def test_too_few_answers_are_tried_again_and_then_a_dead_letter(
    bus: Bus, tmp_path: Path
) -> None:
    with (
        AnsweringPeer(lambda _: JSONResponse(4)) as first,
        AnsweringPeer(lambda _: JSONResponse(3)) as second,
        AnsweringPeer(lambda _: JSONResponse(1), wait=3) as slow,
    ):
        folder = asking(tmp_path, 3, first=first.url, second=second.url, slow=slow.url)
        router = await started(bus, folder)
        await put(bus, 1, {"sku": "tea"})
        await stop(router, bus)
    (letter,) = [each async for each in dead_letters.listing(bus)]
    assert letter.cause.reason == (
        "steps/0: 2 of 3 have answered, 3 must; call slow: no answer within 1 s"
    )
    assert letter.cause.attempts == 2
    assert await in_book(bus) == []
