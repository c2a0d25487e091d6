"""What a source refused is let in with repaired data, or discarded: never stuck (I3)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from crossdock.cli.redriving import Act, Redrive, Repair, Result, read_repair, remove
from crossdock.contracts import Message, Problem, Subjects
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from nats_server import NatsServer
from project_folder import write_project

SUBJECTS = Subjects("t")
ACT = Act(by="test", reason="")
CAUSE = dead_letters.Cause(
    kind="source",
    where="export",
    reason="a row with too few fields",
    problems=(Problem(message="a row with too few fields", place="orders.csv:7"),),
    place="orders.csv:7",
    contract="sales.order.placed@^1",
)


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings())
    await dead_letters.put(bus, CAUSE, key="7", subject="", headers={}, data=b"o7;DE")
    yield bus
    await bus.close()


async def redrive(bus: Bus, project: Path, data: object) -> Result:
    file = project / "repaired.json"
    file.write_bytes(msgspec.json.encode(data))
    repair = read_repair(project, file)
    return await Redrive(numbers=(1,), repair=repair, act=ACT, quiet=True).run(bus)


async def test_repaired_data_of_a_refused_line_becomes_a_message_of_its_contract(
    bus: Bus, tmp_path: Path
) -> None:
    project = write_project(tmp_path)
    repaired = {"order": "o7", "country": "DE", "total": 7}

    assert (await redrive(bus, project, repaired)).sent == 1

    (stored,) = [each async for each in bus.read("in")]
    message = Message.from_headers(stored.headers, stored.data)
    assert stored.subject == SUBJECTS.incoming("sales.order.placed")
    assert (message.source, message.type) == ("/t/export", "sales.order.placed")
    assert msgspec.json.decode(message.data) == repaired
    assert [each async for each in dead_letters.listing(bus)] == []


async def test_data_that_does_not_fit_is_refused_and_the_dead_letter_kept(
    bus: Bus, tmp_path: Path
) -> None:
    result = await redrive(bus, write_project(tmp_path), {"order": "o7", "country": "hunter2"})
    assert result.sent == 0
    assert "total" in result.refused[1]
    assert "hunter2" not in result.refused[1]
    assert [each.sequence async for each in dead_letters.listing(bus)] == [1]


async def test_without_data_it_says_what_to_do(bus: Bus, tmp_path: Path) -> None:
    result = await Redrive(numbers=(1,), repair=Repair(tmp_path), act=ACT, quiet=True).run(bus)
    assert "--data" in result.refused[1]


async def test_a_dead_letter_is_discarded_by_its_number_only(bus: Bus) -> None:
    assert await remove(bus, [1, 99], ACT) == [99]
    assert [each async for each in dead_letters.listing(bus)] == []
