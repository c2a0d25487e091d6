"""Processes are planned, applied and followed as routes are."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crossdock.cli.main import app
from crossdock.contracts import Subjects
from crossdock.mesh.bus import Bus
from crossdock.mesh.registry.paths import Item, belongs, item_of
from crossdock.router.processes.counting import Census, take_census
from eventually_async import eventually_async
from fulfilment import write_fulfilment
from nats_server import NatsServer
from project_folder import write, write_contract
from registry_mesh import RegistryMesh
from tiny_project import CONTRACT

PROCESS = f"""
    process: pairs
    key: $floor(number / 2)
    starts: {{on: {CONTRACT}@^1, when: number % 2 = 0, go: open}}
    states:
      open:
        on: [{{message: {CONTRACT}@^1, go: closed}}]
        timeout: {{after: 1h, go: closed}}
      closed: {{end: true}}
"""


@pytest.fixture
async def mesh(tmp_path: Path, nats_server: NatsServer) -> AsyncIterator[RegistryMesh]:
    each = RegistryMesh(tmp_path, nats_server.url)
    yield each
    await each.close()


async def census(mesh: RegistryMesh) -> Census:
    bus = await Bus.connect(mesh.url, Subjects("tiny"), name="test")
    try:
        return await take_census(bus, "pairs")
    finally:
        await bus.close()


async def test_a_process_is_applied_live_changed_while_instances_run_and_missed_when_it_goes(
    mesh: RegistryMesh,
) -> None:
    await mesh.apply("the first")
    await mesh.start("router", "gateway")
    write(mesh.project, "processes/pairs.yaml", PROCESS)
    assert "+ process pairs" in (await mesh.say("plan")).out
    await mesh.apply("pairs of orders")
    for number in (2, 4, 5):
        await mesh.send(number)

    async def counted(**states: int) -> bool:
        return (await census(mesh)).states == states

    await eventually_async(lambda: counted(open=1, closed=1))
    mesh.edit("processes/pairs.yaml", "closed", "shut")
    await mesh.apply("another word for it")
    for number in (3, 6, 7):
        await mesh.send(number)
    await eventually_async(lambda: counted(closed=2, shut=1))
    await mesh.send(8)
    await eventually_async(lambda: counted(closed=2, shut=1, open=1))
    assert "nobody reads" not in (await mesh.say("plan")).out
    (mesh.project / "processes" / "pairs.yaml").unlink()
    said = (await mesh.say("plan")).out
    assert "! process pairs goes away; instances that stay as they are: 1" in said


def test_a_file_of_a_process_is_part_of_a_revision() -> None:
    assert belongs("processes/pairs.yaml")
    assert item_of("processes/pairs.yaml") == Item("process", "pairs")


def test_a_new_version_tells_which_processes_it_breaks(tmp_path: Path) -> None:
    write_fulfilment(tmp_path)
    for each in ("stock", "bank"):
        settings = "settings: {path: out/x.jsonl, format: jsonl}"
        write(tmp_path, f"workers/{each}.yaml", f"worker: {each}\nadapter: file-out\n{settings}\n")
    schema: dict[str, object] = {
        "type": "object",
        "required": ["order", "sum"],
        "additionalProperties": False,
        "properties": {"order": {"type": "string"}, "sum": {"type": "number"}},
    }
    write_contract(tmp_path, "bank.payment.made", schema, "1.1.0")
    words = ("bank.payment.made@1.0.0", "bank.payment.made@1.1.0")
    result = CliRunner().invoke(
        app, ["contract", "diff", *words, "--project", str(tmp_path), "--json"]
    )
    found = json.loads(result.output)["impact"]["routes"]
    assert [(each["route"], each["accepts"]) for each in found] == [("fulfilment", True)]
    assert "amount" in found[0]["problems"][0]["message"]
