"""What people do to large messages: see them, repair them, send them again, ask why."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from crossdock.cli.replay_choosing import Selection, begin_replay
from crossdock.cli.stream_range import Range
from crossdock.contracts import Message
from crossdock.contracts.claim_check import HEADER, ClaimCheck
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus
from crossdock.mesh.replaying import run
from nats_server import NatsServer
from project_folder import ORDER as SCHEMA
from project_folder import write, write_contract, write_project
from routed_orders import order
from running_router import ORDER, SUBJECTS, connected, entries_of, running_router

IN = SUBJECTS.incoming(ORDER)
EU = SUBJECTS.outgoing("eu")
NOTE = "x" * 700_000


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = write_project(tmp_path)
    write_contract(folder, ORDER, SCHEMA | {"additionalProperties": True})
    return folder


async def crossdock(bus: Bus, project: Path, *words: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crossdock.cli", *words),
        *("--project", str(project), "--nats", str(bus.client.connected_url.geturl())),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "COLUMNS": "200"},
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), err.decode()


async def answer(bus: Bus, project: Path, *words: str) -> Any:  # noqa: ANN401 - JSON
    code, out, err = await crossdock(bus, project, *words, "--json")
    assert code == 0, err
    return json.loads(out)


async def sent(bus: Bus, kind: str = "out", subject: str = ">") -> list[Message]:
    return [await bus.claim_checks.message(each) async for each in bus.read(kind, subject=subject)]


async def bury(bus: Bus) -> tuple[int, Message]:
    """Put a large order that was on its way to a destination into the dead letters."""
    large = order(1, note=NOTE)
    published = await bus.publish(EU, large)
    stored = await bus.read_one("out", published.sequence)
    assert stored is not None
    letter = await dead_letters.put(
        bus,
        dead_letters.Cause(kind="destination", where="eu", reason="no"),
        key="1",
        subject=EU,
        headers=stored.headers,
        data=stored.data,
    )
    return letter.sequence, large


async def test_a_large_letter_is_shown_edited_and_sent_again_repaired_I3(
    bus: Bus, project: Path
) -> None:
    number, large = await bury(bus)
    shown = await answer(bus, project, "dead", "show", str(number))
    assert shown["bytes"] == len(large.data)
    assert "data" not in shown
    shown = await answer(bus, project, "dead", "show", str(number), "--data")
    assert shown["data"].encode() == large.data
    patch = project / "patch.json"
    patch.write_text('[{"op": "replace", "path": "/total", "value": 7}]')
    edited = await answer(bus, project, "dead", "edit", str(number), "--patch", str(patch), "--yes")
    assert [each["pointer"] for each in edited["changes"]] == ["/total"]
    again = await answer(bus, project, "dead", "redrive", str(edited["number"]), "--yes")
    assert again["sent"] == 1
    _, repaired = await sent(bus)
    wanted = msgspec.json.decode(large.data) | {"total": 7}
    assert msgspec.json.decode(repaired.data) == wanted
    assert repaired.dataref != large.dataref
    assert repaired.identity == large.identity


async def test_a_letter_that_is_sent_again_as_it_was_refers_to_the_same_data(
    bus: Bus, project: Path
) -> None:
    number, large = await bury(bus)
    assert (await answer(bus, project, "dead", "redrive", str(number), "--yes"))["sent"] == 1
    first, again = await sent(bus)
    assert (again.data, again.dataref) == (large.data, first.dataref)
    assert len(await bus.claim_checks.store.entries()) == 1


async def test_a_letter_whose_data_is_lost_says_so_and_takes_other_data(
    bus: Bus, project: Path
) -> None:
    number, large = await bury(bus)
    digest = ClaimCheck.of(large.data).digest
    await bus.jetstream.purge_stream("t-data")
    code, _, err = await crossdock(bus, project, "dead", "show", str(number), "--data")
    assert (code, "not there any more" in err) == (1, True)
    code, out, _ = await crossdock(bus, project, "dead", "redrive", str(number), "--yes", "--json")
    assert (code, json.loads(out)["sent"]) == (1, 0)
    assert "not there any more" in json.loads(out)["refused"][str(number)]
    other = project / "other.json"
    other.write_bytes(order(1, note="small").data)
    words = ("dead", "redrive", str(number), "--data", str(other), "--yes")
    assert (await answer(bus, project, *words))["sent"] == 1
    stored = [each async for each in bus.read("out")]
    assert stored[-1].data == other.read_bytes()
    assert HEADER not in stored[-1].headers
    assert digest not in await bus.claim_checks.store.entries()


async def test_what_a_source_refuses_may_be_larger_than_a_message_I3(bus: Bus) -> None:
    raw = b"<" * (3 * 1024**2)  # the broker takes 1 MiB
    cause = dead_letters.Cause(kind="source", where="files", reason="not JSON", contract=ORDER)
    put = await dead_letters.put(bus, cause, key="1", subject="", headers={}, data=raw)
    letter = await dead_letters.get(bus, put.sequence)
    assert letter is not None
    assert (letter.size, letter.data) == (len(raw), b"")
    assert (await dead_letters.whole(bus, letter)).data == raw


async def test_a_replay_sends_the_same_data_again(bus: Bus, project: Path) -> None:
    async with running_router(bus, project):
        await bus.publish(IN, order(1, note=NOTE))
        await entries_of(bus, "by-country", 1)
        selection = Selection(
            route="by-country",
            destination=None,
            contract=None,
            span=Range(sequence=1),
            limit=None,
            rate=None,
        )
        replay = await begin_replay(bus, selection)
        assert (await run(bus, replay, by="a", reason="", advance=lambda _: None)).sent == 1
        await entries_of(bus, "by-country", 2)
    first, again = await sent(bus, "in")
    assert (again.data, again.dataref) == (first.data, first.dataref)
    assert len(await bus.claim_checks.store.entries()) == 1


async def test_why_and_shadow_replay_see_the_data(bus: Bus, project: Path) -> None:
    async with running_router(bus, project):
        await bus.publish_many([(IN, order(1, note=NOTE)), (IN, order(2, country="FR", note=NOTE))])
        await entries_of(bus, "by-country", 2)
    story = await answer(bus, project, "why", "m1")
    told = json.dumps(story)
    assert '"outcome": "routed"' in told
    assert "country" in told
    words = ("route", "replay", "by-country", "--from", "1")
    assert await answer(bus, project, *words) == {
        "messages": 2,
        "same": 2,
        "different": 0,
        "unknown": 0,
    }
    write(
        project,
        "other.yaml",
        """
        route: by-country
        accepts: sales.order.placed@^1
        send:
          - to: world
            as: sales.order.placed@1
            map: "{'order': order, 'country': country, 'total': 1}"
        """,
    )
    code, out, _ = await crossdock(
        bus, project, *words, "--with", str(project / "other.yaml"), "--json"
    )
    *found, summary = [json.loads(each) for each in out.splitlines()]
    assert (code, summary["different"]) == (1, 2)
    (changed,) = [each for each in found if each["id"] == "m2"]
    assert "/note" in [each["pointer"] for each in changed["data"][0]["changes"]]


async def test_why_of_lost_data_tells_the_rest(bus: Bus, project: Path) -> None:
    async with running_router(bus, project):
        await bus.publish(IN, order(1, note=NOTE))
        await entries_of(bus, "by-country", 1)
    await bus.jetstream.purge_stream("t-data")
    (hop,) = (await answer(bus, project, "why", "m1"))["hops"]
    assert hop["outcome"] == "routed"
    assert "not there any more" in hop["note"]
    code, out, _ = await crossdock(
        bus, project, "route", "replay", "by-country", "--from", "1", "--json"
    )
    shadow, _ = [json.loads(each) for each in out.splitlines()]
    assert (code, shadow["now"]["outcome"]) == (1, "dead")
