"""``crossdock why`` and ``crossdock trace``: the story of a message, as it really was."""

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

from aggregating_project import line, write_aggregating
from crossdock.mesh import dead_letters, records, redriving
from crossdock.mesh.bus import Bus
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from nats_server import NatsServer
from project_folder import ROUTE, write, write_project
from routed_orders import order
from running_router import ORDER, SUBJECTS, entries_of, running_router

IN = SUBJECTS.incoming(ORDER)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings())
    yield bus
    await bus.close()


async def crossdock(
    server: NatsServer, project: Path, *words: str, link: str = ""
) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crossdock.cli", *words),
        *("--project", str(project), "--nats", server.url),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "COLUMNS": "200", "CROSSDOCK_TRACE_LINK": link},
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), err.decode()


async def why(server: NatsServer, project: Path, message_id: str) -> Any:  # noqa: ANN401 - JSON
    code, out, err = await crossdock(server, project, "why", message_id, "--json")
    assert code == 0, err
    return json.loads(out)


async def test_each_condition_is_told_with_its_values_and_each_branch_with_why(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    project = write_project(tmp_path)
    async with running_router(bus, project):
        await bus.publish(IN, order(1))
        await bus.publish(IN, order(2, total=0))
        found = await entries_of(bus, "by-country", 2)
    ((_, child),) = next(each.children for each in found if each.id == "m1")
    delivered = records.Entry(child, 1, "delivered", attempts=2)
    await records.write(bus, "destination", "eu", [delivered])

    story = await why(nats_server, project, "m1")
    (hop,) = story["hops"]
    where, eu, world = hop["why"]["told"]
    assert (where["condition"], where["held"]) == ("total > 0", True)
    assert where["values"] == [{"path": "total", "value": "10"}]
    assert (eu["taken"], eu["why"], eu["to"]) == (True, "its condition holds", ["eu"])
    assert eu["values"] == [{"path": "country", "value": '"DE"'}]
    assert (world["taken"], world["why"]) == (False, "not looked at: send/0 holds")
    assert (hop["outcome"], hop["attempts"], hop["policy"]) == ("routed", 1, "standard")
    assert hop["note"] == ""
    (sent,) = hop["next"]
    assert (sent["where"], sent["outcome"], sent["attempts"]) == ("eu", "delivered", 2)
    assert sent["by"] == "test"

    (filtered,) = (await why(nats_server, project, "m2"))["hops"]
    assert (filtered["outcome"], filtered["detail"]) == ("filtered", "where does not hold")
    assert filtered["why"]["told"][1]["why"] == "not looked at: where does not hold"
    assert (await why(nats_server, project, child))["asked"] == child


async def test_it_is_told_with_the_route_as_it_was_also_after_a_change(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    project = write_project(tmp_path)
    write(project, "routes/rule.jsonata", "total > 5")
    write(project, "routes/by-country.yaml", ROUTE.replace("total > 0", "rule.jsonata"))
    async with running_router(bus, project):
        await bus.publish(IN, order(1))
        await entries_of(bus, "by-country", 1)
    write(project, "routes/rule.jsonata", "total > 500")
    (hop,) = (await why(nats_server, project, "m1"))["hops"]
    assert hop["revision_is"] == "as it was then"
    assert hop["why"]["told"][0]["condition"] == "total > 5"
    assert hop["why"]["outcome"] == "routed"
    await bus.jetstream.delete_key_value("t-route-revisions")
    (hop,) = (await why(nats_server, project, "m1"))["hops"]
    assert "not kept" in hop["revision_is"]
    assert hop["why"]["told"][0]["condition"] == "total > 500"


async def test_what_is_personal_is_masked_I6(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    project = write_project(tmp_path)
    write(project, "contracts/sales/order.placed/contract.yaml", "personal: [/country]\n")
    async with running_router(bus, project):
        await bus.publish(IN, order(1))
        await entries_of(bus, "by-country", 1)
    for options in ((), ("--graph",), ("--json",)):
        code, out, err = await crossdock(nats_server, project, "why", "m1", *options)
        assert code == 0, err
        assert "•••" in out
        assert out.count("DE") == 1  # in the text of the condition


async def test_a_death_and_what_was_done_about_it_are_told(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    project = write_project(tmp_path)
    async with running_router(bus, project):
        await bus.publish(IN, order(1, total=0.5))  # the invoice wants an amount of at least 1
        await entries_of(bus, "by-country", 1)
        (letter,) = [each async for each in dead_letters.listing(bus)]
        (hop,) = (await why(nats_server, project, "m1"))["hops"]
        assert (hop["outcome"], hop["letter"]) == ("dead", letter.sequence)
        assert hop["why"]["problems"][0]["pointer"] == "/amount"
        repaired = msgspec.json.encode({"order": "o1", "country": "DE", "total": 5})
        again = redriving.again(bus, letter, repaired)
        await redriving.redrive(bus, [again], by="ada@desk", reason="wrong total")
        await entries_of(bus, "by-country", 2)
    code, out, err = await crossdock(nats_server, project, "why", "m1")
    assert code == 0, err
    assert "by ada@desk: wrong total" in out
    assert f"dead letter {letter.sequence}" in out
    (hop,) = (await why(nats_server, project, "m1"))["hops"]
    (second,) = hop["next"]
    assert (second["id"], second["outcome"]) == (again.message.id, "routed")
    assert (await why(nats_server, project, again.message.id))["id"] == again.message.id


async def test_an_unknown_message_is_told_with_what_to_check(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    assert bus.connected
    code, out, err = await crossdock(nats_server, write_project(tmp_path), "why", "nothing")
    assert (code, out) == (1, "")
    assert "there is no message 'nothing'" in err
    assert "broker.history" in err


async def test_a_trace_is_a_link_to_the_tracing_system(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    project = write_project(tmp_path)
    traced = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    await bus.publish(IN, msgspec.structs.replace(order(1), extensions=traced))
    await bus.publish(IN, order(2))
    link = "https://traces.example/{trace_id}?x=1"
    code, out, err = await crossdock(nats_server, project, "trace", "m1", link=link)
    assert (code, out) == (0, f"https://traces.example/{TRACE}?x=1\n"), err
    code, out, _ = await crossdock(nats_server, project, "trace", "m1")
    assert (code, out) == (0, f"{TRACE}\n")
    code, _, err = await crossdock(nats_server, project, "trace", "m2")
    assert (code, err) == (1, "the message carries no trace\n")


async def test_messages_that_came_together_are_followed_through_their_group(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    text = """
        route: by-country
        accepts: sales.order.placed@^1
        aggregate:
          by: country
          complete: {size: 2}
          as: billing.invoice.requested@1
          map: "{'order': parts[0].order, 'amount': $sum(parts.total)}"
        send: [{to: eu}]
        """
    project = write_project(tmp_path, route=text)
    async with running_router(bus, project):
        await bus.publish(IN, order(1))
        await entries_of(bus, "by-country", 1)
        (hop,) = (await why(nats_server, project, "m1"))["hops"]
        (group,) = hop["next"]
        assert (hop["outcome"], group["kind"], group["outcome"]) == ("grouped", "group", "pending")
        await bus.publish(IN, order(2))
        await entries_of(bus, "by-country", 3)
        (hop,) = (await why(nats_server, project, "m1"))["hops"]
    (group,) = hop["next"]
    assert (group["outcome"], hop["note"]) == ("routed", "")
    (sent,) = group["next"]
    assert (sent["where"], sent["outcome"]) == ("eu", "pending")
    (other,) = (await why(nats_server, project, "m2"))["hops"]
    assert other["next"][0]["next"][0]["id"] == sent["id"]


async def test_the_story_goes_on_through_a_group_and_is_found_from_what_the_group_sent(
    bus: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    project = write_aggregating(tmp_path)
    lines = SUBJECTS.incoming("sales.line.ordered")
    async with running_router(bus, project):
        await bus.publish(lines, line("o1", 1, 2))
        await entries_of(bus, "orders", 1)
        waiting = await why(nats_server, project, "o1-1")
        await bus.publish(lines, line("o1", 2, 2))
        await entries_of(bus, "orders", 3)

    ((hop,), (group,)) = (waiting["hops"], waiting["hops"][0]["next"])
    assert (hop["outcome"], hop["note"], hop["why"]["told"][1]["place"]) == (
        "grouped",
        "",
        "aggregate",
    )
    assert (group["kind"], group["outcome"]) == ("group", "pending")
    story = await why(nats_server, project, "o1-1")
    (group,) = story["hops"][0]["next"]
    assert (group["outcome"], group["detail"]) == ("routed", "complete by size, 2 members")
    (sent,) = group["next"]
    assert sent["where"] == "book"
    other = await why(nats_server, project, sent["id"])
    assert (other["id"], other["asked"]) == ("o1-2", sent["id"])
    code, out, _ = await crossdock(nats_server, project, "why", "o1-1", "--graph")
    assert code == 0
    assert "group of orders routed" in out
    assert "complete by size, 2 members" in out
