"""Operators pause, drain and slow down a route while two routers run it, and things break."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from controlled_mesh import ControlledMesh, controlled_mesh, until
from crossdock.mesh.control import Name
from crossdock.mesh.ledger import balance
from http_peer import HttpPeer
from nats_server import NatsServer
from project_folder import write
from running_router import in_book, order, project


@pytest.fixture
async def mesh(nats_server: NatsServer, tmp_path: Path) -> AsyncIterator[ControlledMesh]:
    folder = project(tmp_path / "project", "- where: 'true'\n")
    async with controlled_mesh(nats_server, folder) as each:
        yield each


@pytest.fixture
def peer() -> Iterator[HttpPeer]:
    each = HttpPeer()
    each.start()
    yield each
    each.stop()


async def held_up(mesh: ControlledMesh, peer: HttpPeer) -> None:
    """Begin 20 deliveries by two workers, each of which waits for its first to end."""
    peer.hold = threading.Event()
    write(
        mesh.project,
        "mesh.yaml",
        "mesh: t\npolicies: {standard: {attempts: 1, timeout: 5m}}\n",
    )
    write(
        mesh.project,
        "workers/book.yaml",
        "worker: book\nadapter: http-out\nbatch: 1\n"
        f"settings: {{url: '{peer.url}', timeout: 5m}}\n",
    )
    await mesh.start(*mesh.workers)
    book = mesh.bus.subjects.outgoing("book")
    await mesh.bus.publish_many([(book, order(number, {"n": number})) for number in range(20)])

    async def both_wait() -> bool:
        return len(peer.calls) == 2

    await until(both_wait)


def release(peer: HttpPeer) -> None:
    assert peer.hold is not None
    peer.hold.set()


async def delivered(peer: HttpPeer, count: int) -> None:
    async def all_there() -> bool:
        return len(peer.effects) == count

    await until(all_there)


async def balanced(mesh: ControlledMesh) -> bool:
    return all(each.balanced for each in await balance(mesh.bus))


async def sent(mesh: ControlledMesh, numbers: range) -> None:
    """Wait until the route has sent these; each of them once."""

    async def all_there() -> bool:
        return set(await mesh.numbers()) >= set(numbers)

    await until(all_there)
    assert Counter(await mesh.numbers()) == Counter(numbers)


async def test_a_pause_holds_all_replicas_and_loses_nothing_I9(mesh: ControlledMesh) -> None:
    await mesh.start(*mesh.routers)
    await mesh.put(range(50))
    await sent(mesh, range(50))

    (done,) = await mesh.control("pause", "r", "--reason", "the book is being moved")
    assert (done["replicas"], done["heed"], done["silent"]) == (2, 2, [])
    await mesh.put(range(50, 150))
    line = await mesh.line("r")
    assert (line["state"], line["pending"], line["replicas"]) == ("paused", 100, 2)
    assert line["acts"]["flow"]["by"] == "ann@ops"
    assert line["acts"]["flow"]["reason"] == "the book is being moved"
    assert await mesh.numbers() == list(range(50))
    assert await balanced(mesh)
    for each in mesh.routers:
        await each.ready()  # a paused service is ready

    await mesh.control("resume", "route:r")
    await sent(mesh, range(150))
    assert await balanced(mesh)
    acts = await mesh.control("history", "r")
    assert [each["act"]["state"] for each in acts] == ["paused", "running"]


async def test_a_pause_survives_the_end_of_a_replica_and_of_the_broker(
    mesh: ControlledMesh,
) -> None:
    await mesh.start(*mesh.routers)
    await mesh.control("pause", "r")
    await mesh.put(range(100))

    await mesh.routers[0].kill()
    mesh.server.kill()
    mesh.server.start()
    await mesh.start(mesh.routers[0])
    await mesh.put(range(100, 120))
    line = await mesh.line("r")
    assert (line["state"], line["pending"], line["replicas"]) == ("paused", 120, 2)
    assert await mesh.numbers() == []

    await mesh.control("resume", "r")
    await sent(mesh, range(120))
    assert await balanced(mesh)


async def test_what_is_in_hand_when_it_is_paused_is_kept_and_no_attempt(
    mesh: ControlledMesh, peer: HttpPeer
) -> None:
    await held_up(mesh, peer)
    await mesh.control("pause", "book")
    assert (await mesh.line("book"))["in_hand"] > 2

    release(peer)

    async def begun_is_finished() -> bool:
        return len(peer.effects) == 2

    await until(begun_is_finished)
    assert (await mesh.line("book"))["in_hand"] > 0
    assert len(peer.calls) == 2  # nothing more was begun
    await mesh.workers[1].kill()  # with messages in hand

    await mesh.control("resume", "book")
    await delivered(peer, 20)  # one attempt is all that each of them has
    assert await balanced(mesh)


async def test_a_drained_destination_has_nothing_in_hand(
    mesh: ControlledMesh, peer: HttpPeer
) -> None:
    await held_up(mesh, peer)
    code, out, _ = await mesh.run("control", "drain", "book", "--timeout", "1ms")
    assert code == 4
    assert "not drained in time" in out

    release(peer)
    (drained,) = await mesh.control("drain", "book")
    assert (drained["drained"], drained["in_hand"], drained["waiting"]) == (True, 0, 0)
    state = await mesh.state_of(Name("destination", "book"))
    assert (state.unsettled, state.pending) == (0, 20 - len(peer.effects))
    assert state.pending > 0
    assert (await mesh.line("book"))["state"] == "drained"

    await mesh.control("resume", "book")
    await delivered(peer, 20)
    assert await balanced(mesh)


async def test_a_rate_is_that_of_all_replicas_together(mesh: ControlledMesh) -> None:
    await mesh.start(*mesh.routers)
    (done,) = await mesh.control("rate", "r", "20/s")
    assert (done["replicas"], done["heed"]) == (2, 2)
    await mesh.put(range(60))
    await sent(mesh, range(60))
    times = sorted(datetime.fromisoformat(each.time) for each in await in_book(mesh.bus))
    # 60 messages at 20 a second, of which the first portion waits for nothing.
    assert (times[-1] - times[0]).total_seconds() >= (60 - 10) / 20 * 0.95
    assert (await mesh.line("r"))["rate"] == 20

    await mesh.control("rate", "r", "1/s")
    await mesh.put(range(60, 500))
    await mesh.control("rate", "r", "off")  # who waits for an old rate waits no longer
    await sent(mesh, range(500))


async def test_a_pause_for_a_time_ends_by_itself(mesh: ControlledMesh) -> None:
    await mesh.start(*mesh.routers)
    await mesh.control("pause", "r", "--for", "5s")
    await mesh.put(range(20))
    await sent(mesh, range(20))
    assert (await mesh.line("r"))["state"] == "running"


async def test_a_pause_that_the_broker_has_lost_is_put_back(mesh: ControlledMesh) -> None:
    await mesh.start(*mesh.routers)
    await mesh.control("pause", "r")
    await mesh.bus.jetstream.delete_stream("KV_t-control")
    await mesh.put(range(20))

    async def is_back() -> bool:
        (shown,) = await mesh.control("show")
        acts = [each["acts"].get("flow") for each in shown["lines"]]
        return bool(acts and acts[0] and acts[0]["state"] == "paused")

    await until(is_back)
    assert await mesh.numbers() == []
    await mesh.control("resume", "r")
    await sent(mesh, range(20))


async def test_an_open_breaker_is_told_apart_and_not_closed(mesh: ControlledMesh) -> None:
    write(
        mesh.project,
        "workers/book.yaml",
        "worker: book\nadapter: http-out\nsettings: {url: 'http://127.0.0.1:9/'}\n",
    )
    await mesh.start(*mesh.routers, *mesh.workers)
    await mesh.put(range(3))

    async def is_open() -> bool:
        return (await mesh.line("book"))["state"] == "breaker open"

    await until(is_open)
    await mesh.control("pause", "destination:book")
    line = await mesh.line("book")
    assert line["state"] == "paused"
    await mesh.control("resume", "destination:book")
    await until(is_open)
    assert (await mesh.line("book"))["problem"]


async def test_a_detour_is_switched_while_messages_flow_and_each_goes_one_way(
    mesh: ControlledMesh,
) -> None:
    steps = (
        "- detour: round\n  steps:\n    - tap: watched\n"
        "    - map: \"$merge([$, {'round': true}])\"\n"
    )
    project(mesh.project, steps)
    await mesh.start(*mesh.routers)
    flowing = asyncio.create_task(mesh.put(range(600)))

    async def some() -> bool:
        return len(await mesh.numbers()) > 20

    await until(some)
    (done,) = await mesh.control("detour", "r/round", "on", "--reason", "to see what comes")
    assert (done["replicas"], done["heed"]) == (2, 2)
    assert (await mesh.line("r"))["detours"] == {"round": True}
    await flowing
    await mesh.put(range(600, 650))
    await sent(mesh, range(650))
    await mesh.control("detour", "r/round", "off")
    await mesh.put(range(650, 700))
    await sent(mesh, range(700))

    taken = {
        each["n"]: each.get("round", False)
        for each in [json.loads(stored.data) for stored in await in_book(mesh.bus)]
    }
    watched = mesh.bus.subjects.outgoing("watched")
    copies = [json.loads(each.data)["n"] async for each in mesh.bus.read("out", subject=watched)]
    assert sorted(copies) == sorted(n for n, round_ in taken.items() if round_)
    assert not any(taken[n] for n in range(20))
    assert all(taken[n] for n in range(600, 650))
    assert not any(taken[n] for n in range(650, 700))
    for n in (0, 625, 675):
        code, out, err = await mesh.run("why", f"m{n}", "--json")
        assert code == 0, err
        (hop,) = json.loads(out)["hops"]
        told = next(each for each in hop["why"]["told"] if each["condition"] == "round")
        assert told["held"] is taken[n]
        assert hop["note"] == ""  # decided again, it sends the same
    assert await balanced(mesh)


async def test_an_unknown_name_is_answered_with_what_there_is(mesh: ControlledMesh) -> None:
    await mesh.start(*mesh.routers)
    code, _, err = await mesh.run("control", "pause", "billing")
    assert code == 1
    assert "there is no 'billing'; there is route:r" in err
