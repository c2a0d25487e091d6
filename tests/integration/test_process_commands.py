"""``crossdock process`` and ``crossdock why`` on a mesh that runs a process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crossdock.cli.main import app
from crossdock.mesh.bus import Bus
from crossdock.router.processes.counting import instances
from crossdock_command import crossdock
from fulfilment import PROCESS, told, write_fulfilment
from nats_server import NatsServer
from running_router import SUBJECTS, connected, running_router


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


async def put(bus: Bus, contract: str, order: str) -> None:
    message = told(contract, order)
    await bus.publish(SUBJECTS.incoming(contract), message)


async def until(bus: Bus, order: str, status: str) -> None:
    async with asyncio.timeout(60):
        while not [
            each
            async for _, each in instances(bus, "fulfilment")
            if each.key == order and each.status == status and not each.outbox
        ]:
            await asyncio.sleep(0.05)


async def test_instances_are_listed_shown_cancelled_and_resumed(bus: Bus, tmp_path: Path) -> None:
    process = PROCESS.replace("within: 2s", "within: 300ms")
    folder = write_fulfilment(tmp_path, process=process)

    async def answer(*words: str) -> list[Any]:
        code, out, err = await crossdock(bus, folder, "process", *words, "--json")
        assert code == 0, err
        return [json.loads(line) for line in out.splitlines()]

    async with running_router(bus, folder):
        await put(bus, "sales.order.placed", "o1")
        await put(bus, "sales.order.placed", "o2")
        await until(bus, "o1", "running")
        await until(bus, "o2", "running")
        found = await answer("list", "--state", "reserving")
        assert {each["key"] for each in found} == {"o1", "o2"}
        assert await answer("list", "--older", "1h") == []
        (cancelled,) = await answer("cancel", "o1", "--yes", "--reason", "the customer called")
        assert cancelled["state"] == "cancelled"
        await until(bus, "o1", "stuck")
        (stuck,) = await answer("list", "--state", "stuck")
        assert (stuck["key"], stuck["deadline"]) == ("o1", None)
        (story,) = await answer("show", "o1")
        assert [(each["cause"], each["after"]) for each in story["steps"]] == [
            ("message", "reserving"),
            ("command", "cancelled"),
            ("timeout", "cancelled"),
        ]
        assert story["steps"][1]["note"] == "ada: the customer called"
        assert [each["contract"] for each in story["steps"][1]["sent"]] == [
            "stock.release.requested"
        ]
        code, out, _ = await crossdock(bus, folder, "process", "show", story["token"])
        assert (code, "stuck: states/reserving/enter/0/undo" in out) == (0, True)
        await answer("resume", "o1", "--yes")
        await put(bus, "stock.goods.released", "o1")
        await until(bus, "o1", "ended")
        code, _, err = await crossdock(bus, folder, "process", "resume", "o1", "--yes")
        assert (code, "it is ended" in err) == (1, True)
        code, _, err = await crossdock(bus, folder, "process", "show", "nobody")
        assert (code, "no process has an instance" in err) == (1, True)


async def test_why_tells_which_step_a_message_led_to_and_what_was_sent(
    bus: Bus, tmp_path: Path
) -> None:
    folder = write_fulfilment(tmp_path)
    async with running_router(bus, folder):
        await put(bus, "bank.payment.made", "o1")
        await put(bus, "sales.order.placed", "o1")
        await put(bus, "stock.goods.reserved", "o1")
        await until(bus, "o1", "ended")
        async with asyncio.timeout(60):
            while any(each.lag for each in await bus.consumers("group")):
                await asyncio.sleep(0.05)
    code, out, err = await crossdock(bus, folder, "why", "placed-o1", "--json")
    assert code == 0, err
    (hop,) = json.loads(out)["hops"]
    assert hop["detail"].startswith("begins -> reserving, instance ")
    (step,) = hop["next"]
    assert [each["where"] for each in step["next"]] == ["stock"]
    code, out, _ = await crossdock(bus, folder, "why", "made-o1")
    assert "bank.payment.made waits until it is expected" in out
    assert "paying -> done, instance " in out


EXAMPLES = """
    examples:
      - name: well
        steps:
          - {message: sales.order.placed, data: {order: a, amount: 5}, sends: [stock]}
          - {message: stock.goods.reserved, data: {order: a, amount: 5}, sends: [bank]}
      - name: wrong
        steps:
          - {message: sales.order.placed, data: {order: a, amount: 5}, sends: [bank]}
      - name: two
        steps:
          - {message: sales.order.placed, data: {order: a, amount: 5}, sends: [stock]}
          - {message: stock.goods.reserved, data: {order: b, amount: 5}}
"""


def test_examples_tell_what_differs_and_what_they_cover(tmp_path: Path) -> None:
    write_fulfilment(tmp_path, process=PROCESS + EXAMPLES)
    report = tmp_path / "report.xml"
    result = CliRunner().invoke(
        app, ["process", "test", str(tmp_path), "--json", "--junit", str(report)]
    )
    assert result.exit_code == 1
    told_of = json.loads(result.output)
    assert (told_of["passed"], told_of["failed"]) == (1, 2)
    problems = [each["problems"] for each in told_of["examples"]]
    assert problems[0] == []
    assert problems[1][0]["message"] == "step 1: expected to send to bank, but it is stock"
    assert "an example is one instance" in problems[2][0]["message"]
    assert "states/reserving/timeout" in told_of["coverage"][0]["missed"]
    assert 'testsuite name="processes/fulfilment.yaml"' in report.read_text()
