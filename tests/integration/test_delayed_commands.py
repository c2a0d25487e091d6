"""``crossdock delayed`` and ``crossdock why`` on what waits, on a real mesh."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crossdock.mesh import records
from crossdock.mesh.bus import Bus
from crossdock.mesh.ledger import balance
from crossdock_command import crossdock, told
from delaying_project import delaying, soon
from nats_server import NatsServer
from running_router import connected, entries_of, in_book, put, running_router


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


async def waiting_mesh(bus: Bus, *dues: str) -> None:
    for number, due in enumerate(dues, 1):
        await put(bus, number, {"due": due, "n": number})
    await entries_of(bus, "r", len(dues))


async def test_what_waits_is_listed_by_when_it_goes_on(bus: Bus, tmp_path: Path) -> None:
    project = delaying(tmp_path, "until: due")
    late, early = soon(900), soon(600)
    async with running_router(bus, project):
        await waiting_mesh(bus, late, early)
        found = await told(bus, project, "delayed", "list")
        assert [(each["message"], each["until"]) for each in found] == [
            ("m2", early),
            ("m1", late),
        ]
        (first,) = await told(bus, project, "delayed", "list", "--limit", "1", "--route", "r")
        assert first["message"] == "m2"
        assert await told(bus, project, "delayed", "list", "--route", "other") == []
        code, out, _ = await crossdock(bus, project, "delayed", "list")
    assert code == 0
    assert early[:19].replace("T", " ") in out


async def test_what_is_released_goes_on_once_and_what_is_discarded_ends_recorded(
    bus: Bus, tmp_path: Path
) -> None:
    project = delaying(tmp_path, "until: due")
    async with running_router(bus, project):
        await waiting_mesh(bus, soon(600), soon(600), soon(600))
        (done,) = await told(bus, project, "delayed", "release", "m1", "--reason", "paid")
        assert done == {"released": 1, "missing": []}
        (done,) = await told(bus, project, "delayed", "discard", "m2", "-y", "--reason", "void")
        assert done == {"discarded": 1, "missing": []}
        entries = await entries_of(bus, "r", 5)
        code, _, err = await crossdock(bus, project, "delayed", "release", "m1")
        assert (code, "m1 does not wait" in err) == (1, True)
        (line,) = [each for each in await balance(bus) if each.kind == "route"]
    assert [each.outcome for each in entries[3:]] == ["routed", "filtered"]
    assert entries[4].detail == "discarded by ada: void"
    assert (line.taken, line.out, line.filtered, line.in_flight) == (3, 1, 1, 1)
    assert line.balanced
    assert len(await in_book(bus)) == 1
    audits = [
        (record.where, record.by, record.reason, record.entries[0].id)
        async for each in bus.read("record")
        if (record := records.read(each.data)).kind == "audit"
    ]
    assert audits == [("release", "ada", "paid", "m1"), ("discard", "ada", "void", "m2")]


async def test_why_tells_until_when_it_waits_and_where_it_will_go(bus: Bus, tmp_path: Path) -> None:
    project = delaying(tmp_path, "until: due")
    route = project / "routes" / "r.yaml"
    both = "send: [{when: n > 1, to: book}, {else: true, to: other}]"
    route.write_text(route.read_text().replace("send: [{to: book}]", both))
    due = soon(600)
    async with running_router(bus, project):
        await waiting_mesh(bus, due, "2020-01-01T00:00:00Z")
        await entries_of(bus, "r", 3)
        (waits,) = await told(bus, project, "why", "m1")
        (went,) = await told(bus, project, "why", "m2")
        code, text, _ = await crossdock(bus, project, "why", "m1")
    (hop,) = waits["hops"]
    assert (hop["outcome"], hop["detail"], hop["note"]) == ("delayed", f"waits until {due}", "")
    assert [(each["place"], each["taken"]) for each in hop["why"]["told"]] == [
        ("delay", True),
        ("send/0", False),
        ("send/1", True),
    ]
    (later,) = hop["next"]
    assert (later["kind"], later["outcome"]) == ("delay", "pending")
    assert code == 0
    assert f"waits until {due}" in text
    (hop,) = went["hops"]
    (later,) = hop["next"]
    assert (later["kind"], later["outcome"]) == ("delay", "routed")
    assert [each["where"] for each in later["next"]] == ["book"]
