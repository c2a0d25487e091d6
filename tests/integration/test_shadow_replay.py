"""``crossdock route replay``: a candidate against what was done, with nothing sent."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from crossdock.mesh.bus import Bus
from nats_server import NatsServer
from project_folder import ROUTE, write, write_contract, write_project
from routed_orders import order
from running_router import ORDER, SUBJECTS, connected, entries_of, running_router

IN = SUBJECTS.incoming(ORDER)
STREAMS = ("in", "out", "dead", "record")


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


async def replay(
    server: NatsServer, project: Path, *words: str
) -> tuple[int | None, list[dict[str, Any]], str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crossdock.cli", "route", "replay", "by-country"),
        *(*words, "--json", "--project", str(project), "--nats", server.url),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ},
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, [json.loads(each) for each in out.splitlines()], err.decode()


async def sequences(bus: Bus) -> list[int]:
    found = [await bus.jetstream.stream_info(SUBJECTS.stream(each)) for each in STREAMS]
    return [each.state.last_seq for each in found]


async def produced(bus: Bus, project: Path) -> None:
    """Let the route of the project do its work: routed, filtered, dead."""
    async with running_router(bus, project):
        await bus.publish_many([(IN, order(n, total=10 * n)) for n in range(1, 6)])
        await bus.publish(IN, order(6, total=0))
        await bus.publish(IN, order(7, total=0.5))
        await entries_of(bus, "by-country", 7)


async def test_the_same_route_ends_the_same_and_nothing_is_sent(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    project = write_project(tmp_path)
    await produced(bus, project)
    before = await sequences(bus)
    code, (summary,), err = await replay(nats_server, project, "--from", "1")
    assert (code, err) == (0, "")
    assert summary == {"messages": 7, "same": 7, "different": 0, "unknown": 0}
    assert await sequences(bus) == before
    assert [each.name for each in await bus.consumers("in")] == ["route-by-country"]


async def test_what_differs_is_shown_per_message_down_to_the_data(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    project = write_project(tmp_path)
    await produced(bus, project)
    candidate = tmp_path / "candidate.yaml"
    changed = ROUTE.replace("total > 0", "total != 20").replace("total}", "total < 40 ? total : 1}")
    write(tmp_path, "candidate.yaml", changed.replace("by-country", "a-candidate"))
    before = await sequences(bus)
    words = ("--from", "1h", "--with", str(candidate))
    code, found, err = await replay(nats_server, project, *words)
    *differences, summary = found
    assert code == 1, err
    assert summary == {"messages": 7, "same": 3, "different": 4, "unknown": 0}
    by_id = {each["id"]: each for each in differences}
    assert (by_id["m2"]["then"]["outcome"], by_id["m2"]["now"]["outcome"]) == ("routed", "filtered")
    (data,) = by_id["m4"]["data"]
    assert data["destination"] == "eu"
    assert data["changes"] == [{"pointer": "/amount", "before": "40", "after": "1"}]
    assert by_id["m6"]["now"]["outcome"] == "dead"  # an amount of 0 breaks the invoice
    assert await sequences(bus) == before
    _, (*_, two), _ = await replay(nats_server, project, "--from", "2", "--to", "3")
    assert two["messages"] == 2
    _, (*_, one), _ = await replay(nats_server, project, "--from", "1", "--limit", "1")
    assert one["messages"] == 1


async def test_I6_what_came_of_something_personal_is_shown_by_its_place_alone(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    project = write_project(tmp_path)
    write(project, "contracts/sales/order.placed/contract.yaml", "personal: [/country]\n")
    await produced(bus, project)
    changed = ROUTE.replace("'order': order", "'order': country")
    write(tmp_path, "candidate.yaml", changed)
    words = ("--from", "1", "--with", str(tmp_path / "candidate.yaml"))
    _, (first, *_), err = await replay(nats_server, project, *words)
    assert first["data"][0]["changes"] == [{"pointer": "/order", "before": "•••", "after": "•••"}]
    assert "DE" not in str(first), err


async def test_a_candidate_that_asks_is_answered_by_a_file_or_not_told(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    project = write_project(tmp_path)
    await produced(bus, project)
    write_contract(project, "billing.rate.told", {"type": "object"})
    write(
        project,
        "calls/rates.yaml",
        "call: rates\nhttp: {url: http://127.0.0.1:9/rates}\nanswers: billing.rate.told\n",
    )
    steps = "steps:\n      - enrich: {call: rates, with: order, into: rate}\n"
    write(tmp_path, "candidate.yaml", ROUTE.replace("send:", f"{steps}    send:"))
    answer = tmp_path / "rates.json"
    answer.write_text('{"rate": 2}')
    words = ("--from", "1", "--with", str(tmp_path / "candidate.yaml"))
    code, found, err = await replay(nats_server, project, *words)
    assert found, err
    *asked, summary = found
    assert code == 1, err
    assert summary["unknown"] == 6
    assert "--answer rates=FILE" in asked[0]["now"]["detail"]
    code, (summary,), err = await replay(
        nats_server, project, *words, "--answer", f"rates={answer}"
    )
    assert (code, summary["same"]) == (0, 7), err


async def test_a_candidate_that_cannot_be_used_is_refused_with_its_line(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    assert bus.connected
    project = write_project(tmp_path)
    write(tmp_path, "candidate.yaml", ROUTE.replace("total > 0", "total >"))
    words = ("--from", "1", "--with", str(tmp_path / "candidate.yaml"))
    code, found, err = await replay(nats_server, project, *words)
    assert (code, found) == (2, [])
    assert "candidate.yaml:4" in err
