"""Content Enricher over the mesh: a route asks by a message and goes on with the reply."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
from starlette.responses import JSONResponse, Response

from asking_project import asking_project, good, running_workers, until
from crossdock.contracts import Message
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus
from http_peer import HttpPeer
from nats_server import NatsServer
from project_folder import write, write_contract
from running_router import ORDER, connected, in_book, put, rewind, running_router, settled

_ORDERS = """
route: orders
accepts: sales.order.placed@^1
on_failure: quick
steps:
  - split: lines
    steps:
      - enrich:
          ask: credit.check.requested@^1
          answers: credit.check.answered@^1
          with: "{'customer': $whole.customer, 'amount': 1}"
          into: credit
          timeout: 1s
      - map: "{'customer': $whole.customer, 'score': $credit.score}"
send:
  - to: book
"""


@pytest.fixture
def bureau() -> Iterator[HttpPeer]:
    peer = HttpPeer(good)
    peer.start()
    yield peer
    peer.stop()


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


@pytest.fixture
def folder(bureau: HttpPeer, tmp_path: Path) -> Path:
    folder = asking_project(tmp_path / "project", bureau.url)
    write(folder, "routes/orders.yaml", _ORDERS)
    write_contract(folder, ORDER, {"type": "object"})
    return folder


def _order(customer: str) -> dict[str, object]:
    return {"customer": customer, "lines": [{"n": 1}, {"n": 2}]}


async def _sent(bus: Bus) -> list[object]:
    return [msgspec.json.decode(each.data) for each in await in_book(bus)]


async def _has(bus: Bus, count: int) -> bool:
    return len(await in_book(bus)) >= count


async def test_the_same_question_of_several_parts_is_asked_once(
    bus: Bus, folder: Path, bureau: HttpPeer
) -> None:
    await put(bus, 1, _order("c-1"), replyto="whoever")
    async with running_router(bus, folder), running_workers(bus, folder):
        await settled(bus, "orders")
    assert await _sent(bus) == [{"customer": "c-1", "score": 7}] * 2
    assert len(bureau.calls) == 1
    sent = [Message.from_headers(each.headers, each.data) for each in await in_book(bus)]
    assert {each.extensions["replyto"] for each in sent} == {"whoever"}


async def test_i4_a_question_that_was_too_slow_is_not_asked_again_and_its_reply_found(
    bus: Bus, folder: Path, bureau: HttpPeer
) -> None:
    bureau.hold = threading.Event()
    await put(bus, 1, _order("c-1"))
    async with running_router(bus, folder), running_workers(bus, folder):
        await until(lambda: _came_again(bus))
        bureau.hold.set()
        await until(lambda: _has(bus, 2))
        await settled(bus, "orders")
    assert len(bureau.calls) == 1
    await rewind(bus, "orders")  # everything once more, as after a crash
    async with running_router(bus, folder), running_workers(bus, folder):
        await settled(bus, "orders")
    assert len(bureau.calls) == 1
    assert len(await in_book(bus)) == 2


async def test_a_question_that_dies_and_one_that_is_no_question_are_dead_letters(
    bus: Bus, folder: Path, bureau: HttpPeer
) -> None:
    bureau.answer = lambda _: Response(status_code=422)
    await put(bus, 1, _order("c-1"))
    await put(bus, 2, {"customer": 7, "lines": [{"n": 1}]})
    async with running_router(bus, folder), running_workers(bus, folder):
        await settled(bus, "orders")
    reasons: dict[str, list[str]] = {}
    async for each in dead_letters.listing(bus):
        reasons.setdefault(each.cause.where, []).append(each.cause.reason)
    assert reasons["bureau"] == ["the server answered 422"]
    asked, broken = sorted(reasons["orders"])
    assert asked == ("steps/0/steps/0: what it asked became a dead letter: the server answered 422")
    assert broken.startswith("steps/0/steps/0: what it asks breaks crossdock:credit.check")
    assert await _sent(bus) == []


async def test_many_messages_wait_for_their_replies_at_the_same_time(
    bus: Bus, folder: Path, bureau: HttpPeer
) -> None:
    bureau.answer = lambda call: JSONResponse({"score": int(call.value["customer"][2:])})
    for number in range(40):
        await put(bus, number, _order(f"c-{number}"))
    async with running_router(bus, folder), running_workers(bus, folder):
        await asyncio.wait_for(settled(bus, "orders"), 60)
    scores = sorted(each["score"] for each in await _sent(bus))  # type: ignore[index] # objects
    assert scores == sorted([*range(40), *range(40)])
    assert len(bureau.effects) == 40


async def _came_again(bus: Bus) -> bool:
    return any(each.redelivered for each in await bus.consumers("in"))
