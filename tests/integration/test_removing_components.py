"""Operators drop what waits for a component, and remove what nobody runs any more."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controlled_mesh import ControlledMesh, controlled_mesh, until
from crossdock.cli.control_lines import consumers
from crossdock.mesh.control import Name
from crossdock.mesh.ledger import balance
from nats_server import NatsServer
from running_router import order, project

ROUTE = Name("route", "r")
BOOK = "worker: book\nadapter: file-out\nsettings: {path: out/book.jsonl, format: jsonl}\n"


@pytest.fixture
async def mesh(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[ControlledMesh]:
    folder = project(tmp_path / "project", "- where: 'true'\n")
    (folder / "out").mkdir()
    (folder / "workers").mkdir()
    (folder / "workers" / "book.yaml").write_text(BOOK)
    async with controlled_mesh(nats_server, folder) as each:
        yield each


async def test_what_waits_is_dropped_only_while_nothing_is_taken_and_is_recorded_I9(
    mesh: ControlledMesh,
) -> None:
    await mesh.start(mesh.routers[0])
    code, _, err = await mesh.run("control", "purge", "r", "--reason", "a test", "--yes")
    assert code == 1
    assert "first `crossdock control drain route:r`" in err

    await mesh.control("drain", "r")
    await mesh.put(range(30))
    (done,) = await mesh.control("purge", "r", "--reason", "sent by mistake", "--yes")
    assert done["dropped"] == 30
    (line,) = [each for each in await balance(mesh.bus) if each.kind == "route"]
    assert (line.taken, line.filtered, line.in_flight, line.missing) == (30, 30, 0, 0)
    code, out, err = await mesh.run("message", "show", "m7", "--json")
    assert code == 0, err
    (route,) = json.loads(out)["routes"]
    assert route["state"] == "filtered"
    assert route["detail"] == "discarded by ann@ops: sent by mistake"

    await mesh.control("resume", "r")
    await mesh.put(range(30, 31))

    async def sent() -> bool:
        return await mesh.numbers() == [30]

    await until(sent)


async def test_what_runs_or_has_messages_is_not_removed_unawares(mesh: ControlledMesh) -> None:
    await mesh.start(mesh.routers[0])
    code, _, err = await mesh.run("control", "remove", "r", "--yes")
    assert code == 1
    assert "route:r runs" in err

    await mesh.routers[0].stop()
    await mesh.put(range(20))
    code, _, err = await mesh.run("control", "remove", "r", "--yes")
    assert code == 1
    assert "20 messages and 0 groups wait for route:r" in err
    assert ROUTE in await consumers(mesh.bus)

    (done,) = await mesh.control("remove", "r", "--discard", "--reason", "it is gone", "--yes")
    assert done["dropped"] == 20
    assert ROUTE not in await consumers(mesh.bus)
    assert await mesh.control("history") == []


async def test_a_destination_that_is_gone_holds_up_nothing(mesh: ControlledMesh) -> None:
    await mesh.start(mesh.workers[0])
    book = mesh.bus.subjects.outgoing("book")
    await mesh.bus.publish(book, order(1, {"n": 1}))

    async def settled() -> bool:
        state = await mesh.state_of(Name("destination", "book"))
        return state.lag == 0 and state.floor == 1

    await until(settled)
    await mesh.workers[0].stop()
    await mesh.control("remove", "destination:book", "--yes")
    assert await consumers(mesh.bus) == {}
    assert [each async for each in mesh.bus.read("out", subject=book)] == []
