"""Dead letters are repaired and sent again: under a new id, once, as often as is sensible."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from crossdock.cli.dead_causes import By, cause_of, grouped
from crossdock.cli.dead_editing import look
from crossdock.cli.redriving import Act, Choice, Redrive, Repair, Result, choose, edit
from crossdock.contracts import Disconnected, Message, Problem, Reject, Subjects
from crossdock.contracts.reference import dataschema
from crossdock.mesh import dead_letters, records, redriving
from crossdock.mesh.bus import Bus
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from nats_server import NatsServer
from project_folder import write_project

SUBJECTS = Subjects("t")
ACT = Act(by="ada@desk", reason="the table is larger now")
NAME = "sales.order.placed"


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings())
    yield bus
    await bus.close()


async def bury(bus: Bus, number: int, *, where: str = "eu", reason: str = "no", at: int = 0) -> int:
    """Put one order to a destination into the dead letters; return its number."""
    message = Message(
        id=f"m{number}",
        source="/test",
        type=NAME,
        dataschema=dataschema(NAME, "1.0.0"),
        data=msgspec.json.encode({"order": f"o{number}", "country": "DE", "total": number}),
    )
    problems = (Problem(message="too small", keyword="minimum", pointer=f"/lines/{at}"),)
    cause = dead_letters.Cause(kind="destination", where=where, reason=reason, problems=problems)
    headers = message.headers()
    stored = await dead_letters.put(
        bus,
        cause,
        key=f"{where} {number}",
        subject=SUBJECTS.outgoing(where),
        headers=headers,
        data=message.data,
    )
    return stored.sequence


async def sent(bus: Bus, where: str = "eu") -> list[Message]:
    return [
        Message.from_headers(each.headers, each.data)
        async for each in bus.read("out", subject=SUBJECTS.outgoing(where))
    ]


async def numbers(bus: Bus) -> list[int]:
    return [each.sequence async for each in dead_letters.listing(bus)]


async def send(bus: Bus, chosen: tuple[int, ...], folder: Path, **how: object) -> Result:
    given: dict[str, object] = {"repair": Repair(folder), "act": ACT, "quiet": True, **how}
    return await Redrive(numbers=chosen, **given).run(bus)  # type: ignore[arg-type] # as given


async def test_letters_of_one_cause_are_one_group_whatever_their_positions(bus: Bus) -> None:
    for number in range(3):
        await bury(bus, number, reason=f"row {number}", at=number)
    await bury(bus, 9, where="world")
    first, second = await grouped(dead_letters.listing(bus), By.CAUSE)
    assert (first.where, first.count, first.first, first.last) == ("eu", 3, 1, 3)
    assert (first.keyword, first.pointer, first.contract) == (
        "minimum",
        "/lines/0",
        f"{NAME} 1.0.0",
    )
    assert second.cause != first.cause
    (by_contract,) = await grouped(dead_letters.listing(bus), By.CONTRACT)
    assert by_contract.count == 4
    assert await choose(bus, Choice(cause=first.cause, limit=2)) == (1, 2)
    assert await choose(bus, Choice(contract=NAME, where="world")) == (4,)


async def test_what_is_sent_again_has_a_new_id_and_its_cause_and_leaves_an_audit_record(
    bus: Bus, tmp_path: Path
) -> None:
    number = await bury(bus, 1)
    assert (await send(bus, (number,), tmp_path)).sent == 1
    (message,) = await sent(bus)
    assert message.id != "m1"
    assert message.extensions["causationid"] == "m1"
    assert message.identity == ("/test", "m1")
    assert await numbers(bus) == []
    (stored,) = [each async for each in bus.read("record", subject="t.record.redrive")]
    record = records.read(stored.data)
    assert (record.kind, record.by, record.reason) == ("audit", ACT.by, ACT.reason)
    (entry,) = record.entries
    assert (entry.id, entry.outcome, entry.letter) == ("m1", "redriven", number)
    assert entry.children == (("eu", message.id),)


async def test_a_redrive_interrupted_before_the_letter_is_removed_sends_it_once_I4(
    bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await bury(bus, 1)

    async def interrupted(_kind: str, _sequence: int, *, erase: bool) -> None:
        assert not erase
        raise Disconnected("interrupted")

    with monkeypatch.context() as patched:
        patched.setattr(bus, "delete", interrupted)
        with pytest.raises(Disconnected):
            await send(bus, (number,), tmp_path)
    assert await numbers(bus) == [number]
    assert (await send(bus, (number,), tmp_path)).sent == 1
    assert len(await sent(bus)) == 1
    assert await numbers(bus) == []


async def test_what_came_back_three_times_is_refused_unless_asked_for(
    bus: Bus, tmp_path: Path
) -> None:
    number = await bury(bus, 1)
    for _ in range(redriving.MOST_REDRIVES):
        assert (await send(bus, (number,), tmp_path)).sent == 1
        *_, stored = [each async for each in bus.read("out")]
        cause = dead_letters.Cause(kind="destination", where="eu", reason="no")
        put = await dead_letters.put(
            bus,
            cause,
            key=str(stored.sequence),
            subject=stored.subject,
            headers=stored.headers,
            data=stored.data,
        )
        number = put.sequence
    refused = await send(bus, (number,), tmp_path)
    assert "came back each time" in refused.refused[number]
    assert await numbers(bus) == [number]
    assert (await send(bus, (number,), tmp_path, guarded=False)).sent == 1
    *_, last = await sent(bus)
    assert last.identity == ("/test", "m1")
    assert len({each.id for each in await sent(bus)}) == 4


async def test_an_edited_letter_keeps_its_original_and_is_sent_repaired(
    bus: Bus, tmp_path: Path
) -> None:
    project = write_project(tmp_path)
    number = await bury(bus, 1)
    letter = await dead_letters.get(bus, number)
    assert letter is not None
    patch = b'[{"op": "replace", "path": "/total", "value": 7}]'
    (change,) = look(project, letter, patch)
    assert (change.pointer, change.before, change.after) == ("/total", "1", "7")
    new = await edit(bus, letter, patch, ACT)
    assert await numbers(bus) == [new]
    edited = await dead_letters.get(bus, new)
    assert edited is not None
    assert (edited.data, edited.patch) == (letter.data, patch.decode())
    assert cause_of(edited) == cause_of(letter)
    assert (await send(bus, (new,), project)).sent == 1
    (message,) = await sent(bus)
    assert msgspec.json.decode(message.data)["total"] == 7


async def test_a_repair_that_breaks_the_contract_is_refused(bus: Bus, tmp_path: Path) -> None:
    project = write_project(tmp_path)
    number = await bury(bus, 1)
    letter = await dead_letters.get(bus, number)
    assert letter is not None
    with pytest.raises(Reject) as refused:
        look(project, letter, b'[{"op": "replace", "path": "/total", "value": "hunter2"}]')
    assert [each.pointer for each in refused.value.problems] == ["/total"]
    assert "hunter2" not in str(refused.value)  # I6
    patch = b'[{"op": "remove", "path": "/total"}]'
    result = await send(bus, (number,), project, repair=Repair(project, patch=patch))
    assert "total" in result.refused[number]
    assert await numbers(bus) == [number]


async def test_one_patch_repairs_many_at_a_rate(bus: Bus, tmp_path: Path) -> None:
    project = write_project(tmp_path)
    for number in range(30):
        await bury(bus, number)
    patch = b'[{"op": "replace", "path": "/country", "value": "FR"}]'
    chosen = await choose(bus, Choice())
    result = await send(bus, chosen, project, repair=Repair(project, patch=patch), rate=200.0)
    assert result.sent == 30
    found = await sent(bus)
    assert [msgspec.json.decode(each.data)["total"] for each in found] == list(range(30))
    assert {msgspec.json.decode(each.data)["country"] for each in found} == {"FR"}
