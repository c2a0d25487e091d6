"""``crossdock replay``: messages sent again for real, to one route or destination, once."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crossdock.cli.replay_choosing import Selection, begin_replay, find_replay
from crossdock.cli.stream_range import Range
from crossdock.contracts import Message, Reject
from crossdock.mesh import records
from crossdock.mesh.bus import Bus, ConsumerSpec
from crossdock.mesh.replaying import Replay, run
from nats_server import NatsServer
from project_folder import ROUTE, write, write_project
from routed_orders import order
from running_router import ORDER, SUBJECTS, connected, entries_of, running_router, settled

IN = SUBJECTS.incoming(ORDER)
ALL = Range(sequence=1)


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


def to(route: str | None = None, destination: str | None = None, **more: object) -> Selection:
    given: dict[str, object] = {"contract": None, "span": ALL, "limit": None, "rate": None} | more
    return Selection(route=route, destination=destination, **given)  # type: ignore[arg-type] # as given


async def send(bus: Bus, replay: Replay) -> Replay:
    return await run(bus, replay, by="ada", reason="the map was wrong", advance=lambda _: None)


async def sent_again(bus: Bus, route: str = "by-country") -> list[Message]:
    return [
        Message.from_headers(each.headers, each.data)
        async for each in bus.read("in", subject=f"t.in.redrive.{route}")
    ]


async def test_messages_go_to_one_route_alone_under_new_ids(bus: Bus, tmp_path: Path) -> None:
    project = write_project(tmp_path)
    write(project, "routes/other.yaml", ROUTE.replace("by-country", "other"))
    async with running_router(bus, project):
        await bus.publish_many([(IN, order(n)) for n in range(5)])
        await entries_of(bus, "other", 5)
        await entries_of(bus, "by-country", 5)
        done = await send(bus, await begin_replay(bus, to("by-country", span=Range(sequence=2))))
        assert (done.sent, done.done) == (4, True)
        entries = await entries_of(bus, "by-country", 9)
        await settled(bus, "other")
    again = await sent_again(bus)
    assert [each.extensions["causationid"] for each in again] == ["m1", "m2", "m3", "m4"]
    assert not {each.id for each in again} & {f"m{n}" for n in range(5)}
    children = [child for each in entries for _, child in each.children]
    assert len(children) == len(set(children)) == 9  # effects happen again
    assert len(await entries_of(bus, "other", 5)) == 5
    audits = [each async for each in bus.read("record", subject="t.record.replay")]
    (entry, *_) = records.read(audits[0].data).entries
    assert (records.read(audits[0].data).by, entry.id, entry.outcome) == ("ada", "m1", "replayed")


async def test_an_interrupted_replay_goes_on_and_sends_nothing_twice_I4(
    bus: Bus, tmp_path: Path
) -> None:
    async with running_router(bus, write_project(tmp_path)):
        await bus.publish_many([(IN, order(n)) for n in range(450)])
        await entries_of(bus, "by-country", 450)
    chosen = await begin_replay(bus, to("by-country"))

    def interrupted(_: int) -> None:
        if len(calls) == 2:
            raise ConnectionError
        calls.append(_)

    calls: list[int] = []
    with pytest.raises(ConnectionError):
        await run(bus, chosen, by="ada", reason="", advance=interrupted)
    kept = await find_replay(bus, chosen.id)
    assert (kept.sent, kept.total) == (300, 450)
    done = await send(bus, kept)
    assert done.sent == 450
    again = await sent_again(bus)
    assert [each.extensions["causationid"] for each in again] == [f"m{n}" for n in range(450)]
    # what was sent and not yet remembered is sent with the same ids: the stream knows them
    await send(bus, chosen)
    assert len(await sent_again(bus)) == 450


async def test_a_destination_gets_what_it_was_sent_at_a_rate(bus: Bus) -> None:
    out = SUBJECTS.outgoing("eu")
    spec = ConsumerSpec(stream="t-out", durable="dest-eu", filters=(out,))
    await bus.puller(spec).ensure()
    await bus.publish_many([(out, order(n)) for n in range(40)])
    chosen = await begin_replay(bus, to(destination="eu", rate=100.0, limit=30))
    began = time.monotonic()
    done = await send(bus, chosen)
    assert done.sent == 30  # and not what was sent meanwhile
    assert time.monotonic() - began >= 0.2
    assert await bus.count("out", out) == 70


async def test_what_cannot_be_sent_is_told(bus: Bus, tmp_path: Path) -> None:
    async with running_router(bus, write_project(tmp_path)):
        pass
    with pytest.raises(Reject, match="there is by-country"):
        await begin_replay(bus, to("unknown"))
    with pytest.raises(Reject, match="does not take"):
        await begin_replay(bus, to("by-country", contract="sales.order.lost"))
    with pytest.raises(Reject, match="no replay"):
        await find_replay(bus, "none")


async def test_the_command_asks_sends_and_tells(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    project = write_project(tmp_path)
    async with running_router(bus, project):
        await bus.publish_many([(IN, order(n)) for n in range(3)])
        await entries_of(bus, "by-country", 3)
    words = ("replay", "--route", "by-country", "--from", "1h", "--contract", ORDER, "--yes")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crossdock.cli", *words, "--json"),
        *("--project", str(project), "--nats", nats_server.url),
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err
    done = json.loads(out)
    assert done["sent"] == 3
    assert f"--resume {done['id']}" in err.decode()
    assert len(await sent_again(bus)) == 3
