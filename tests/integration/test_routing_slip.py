"""Routing Slip on a real broker: over routes and a system that answers, to the last stop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
from starlette.responses import JSONResponse

from asking_project import running_workers
from crossdock.contracts import Message
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus
from crossdock.mesh.conversation import is_over
from crossdock.mesh.finding import find
from http_peer import HttpPeer
from nats_server import NatsServer
from project_folder import write, write_contract
from running_router import ORDER, connected, entries_of, in_book, put, running_router, settled

_FIRST = """
route: first
accepts: sales.order.placed@^1
send:
  - to: {slip: stops, routes: [tax, again], among: [bureau, book]}
"""
_TAX = """
route: tax
slip: true
accepts: sales.order.placed@^1
steps:
  - map: "$merge([$, {'way': $append(way, 'tax')}])"
    as: sales.order.placed@1
send:
  - to: next
"""
_AGAIN = """
route: again
slip: true
accepts: sales.order.placed@^1
send:
  - to: {slip: "['tax']", routes: [tax]}
"""
_BACK = """
route: back
accepts: sales.order.checked@^1
send:
  - {to: next, as: sales.order.placed@1, map: order}
"""
_BUREAU = """
worker: bureau
adapter: http-out
settings: {{url: {url}}}
reply:
  as: sales.order.checked@^1
  map: "{{'order': $merge([$request, {{'way': $append($request.way, 'bureau')}}])}}"
"""


@pytest.fixture
def bureau() -> Iterator[HttpPeer]:
    peer = HttpPeer(lambda _: JSONResponse({}))
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
    write(tmp_path, "mesh.yaml", "mesh: t\n")
    for name, text in (("first", _FIRST), ("tax", _TAX), ("again", _AGAIN), ("back", _BACK)):
        write(tmp_path, f"routes/{name}.yaml", text)
    write(tmp_path, "workers/bureau.yaml", _BUREAU.format(url=bureau.url))
    write_contract(tmp_path, ORDER, {"type": "object"})
    write_contract(tmp_path, "sales.order.checked", {"type": "object"})
    return tmp_path


async def _letters(bus: Bus) -> dict[str, str]:
    return {each.cause.where: each.cause.reason async for each in dead_letters.listing(bus)}


async def test_a_message_goes_over_its_stops_in_their_order_to_the_last(
    bus: Bus, folder: Path, bureau: HttpPeer
) -> None:
    stops = ["tax", "bureau", "tax", "book"]
    await put(bus, 1, {"stops": stops, "way": [], "total": 3})
    async with running_router(bus, folder), running_workers(bus, folder):
        await entries_of(bus, "tax", 2)
        await settled(bus, "tax")
    (last,) = [Message.from_headers(each.headers, each.data) for each in await in_book(bus)]
    assert msgspec.json.decode(last.data)["way"] == ["tax", "bureau", "tax"]
    assert last.extensions["routingslip"] == "4 route:tax bureau route:tax book"
    assert last.correlation == "m1"
    assert len(bureau.calls) == 1
    status = await find(bus, "m1")
    assert status is not None
    first = next(each for each in status.routes if each.route == "first")
    assert [(each.destination, each.state) for each in first.destinations] == [
        ("bureau", "delivered")
    ]
    assert not await is_over(bus, "m1")  # nobody has taken it from the book


async def test_a_stop_takes_nothing_that_no_slip_sends_it(bus: Bus, folder: Path) -> None:
    await put(bus, 1, {"stops": ["book"], "way": [], "total": 1})
    await put(bus, 2, {"stops": [], "way": [], "total": 1})
    async with running_router(bus, folder):
        found = await entries_of(bus, "first", 2)
        await settled(bus, "first")
    assert {each.id: each.outcome for each in found} == {"m1": "routed", "m2": "filtered"}
    assert await entries_of(bus, "tax", 0) == []


async def test_a_slip_that_names_no_stop_is_too_long_or_would_never_end_is_a_dead_letter(
    bus: Bus, folder: Path
) -> None:
    await put(bus, 1, {"stops": ["nowhere"], "way": [], "total": 1})
    async with running_router(bus, folder):
        await settled(bus, "first")
        assert "gives a stop that is not in" in (await _letters(bus))["first"]
        await put(bus, 2, {"stops": ["book"] * 33, "way": [], "total": 1})
        await settled(bus, "first")
        assert "more than 32 stops" in (await _letters(bus))["first"]
        await put(bus, 3, {"stops": ["again", "book"], "way": [], "total": 1})
        await settled(bus, "first")
        await entries_of(bus, "again", 1)
    assert "is on a routing slip already" in (await _letters(bus))["again"]
    assert await in_book(bus) == []
