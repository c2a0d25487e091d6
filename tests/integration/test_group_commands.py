"""``crossdock group``: open groups are listed, and one is closed by hand, once and recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aggregating_project import RESEQUENCING, line, write_aggregating
from crossdock.contracts import Message
from crossdock.mesh import records
from crossdock.mesh.bus import Bus
from crossdock.mesh.ledger import balance
from crossdock_command import crossdock, told
from nats_server import NatsServer
from project_folder import write
from running_router import SUBJECTS, connected, entries_of, in_book, running_router

IN = SUBJECTS.incoming("sales.line.ordered")


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


async def sent(bus: Bus) -> list[Any]:
    messages = [Message.from_headers(each.headers, each.data) for each in await in_book(bus)]
    return [msgspec.json.decode(each.data) for each in messages]


async def test_open_groups_are_listed_and_one_is_shown_with_its_messages(
    bus: Bus, tmp_path: Path
) -> None:
    project = write_aggregating(tmp_path)
    async with running_router(bus, project):
        await bus.publish_many(
            [(IN, line("a", 1, 3)), (IN, line("a", 2, 3)), (IN, line("b", 1, 2))]
        )
        await entries_of(bus, "orders", 3)
        found = await told(bus, project, "group", "list")
        assert {(each["key"], each["members"], each["awaited"]) for each in found} == {
            ("a", 2, 3),
            ("b", 1, 2),
        }
        assert all(each["deadline"] and not each["test"] for each in found)
        (shown,) = await told(bus, project, "group", "show", "orders", "a")
        assert shown["messages"] == ["a-1", "a-2"]
        (by_token,) = await told(bus, project, "group", "show", "orders", shown["token"])
        assert by_token["key"] == "a"
        code, _, err = await crossdock(bus, project, "group", "show", "orders", "c")
        assert (code, "no group of that key is open" in err) == (1, True)
        code, _, err = await crossdock(bus, project, "group", "show", "other", "c")
        assert (code, "there is orders" in err) == (1, True)
        (first,) = await told(bus, project, "group", "list", "--limit", "1")
        assert first["seconds"] == max(each["seconds"] for each in (first, *found)) or first


async def test_a_group_is_completed_by_hand_once_and_another_is_discarded(
    bus: Bus, tmp_path: Path
) -> None:
    project = write_aggregating(tmp_path)
    async with running_router(bus, project):
        await bus.publish_many([(IN, line("a", 1, 3)), (IN, line("b", 1, 2))])
        await entries_of(bus, "orders", 2)
        (done,) = await told(bus, project, "group", "complete", "orders", "a", "--reason", "lost")
        assert done["members"] == 1
        await told(bus, project, "group", "discard", "orders", "b", "--yes", "--reason", "void")
        entries = await entries_of(bus, "orders", 4)
        code, _, _ = await crossdock(bus, project, "group", "complete", "orders", "a")
        assert code == 1
        await bus.publish(IN, line("a", 1, 3))  # it is known, and opens no other group
        await bus.publish(IN, line("a", 2, 3))
        await entries_of(bus, "orders", 5)
        (again,) = await told(bus, project, "group", "show", "orders", "a")
    assert again["messages"] == ["a-2"]
    assert await sent(bus) == [{"order": "a", "lines": [1], "why": "hand"}]
    outcomes = sorted((each.outcome, each.detail) for each in entries[2:])
    assert outcomes[0] == ("filtered", "discarded by ada: void")
    assert outcomes[1][0] == "routed"
    assert all(each.balanced for each in await balance(bus) if each.kind == "route")
    audits = [
        (record.where, record.by, record.reason, record.entries[0].id)
        async for each in bus.read("record")
        if (record := records.read(each.data)).kind == "audit"
    ]
    assert audits == [("complete", "ada", "lost", "a-1"), ("discard", "ada", "void", "b-1")]


async def test_a_gap_is_given_up_by_hand_and_what_waits_for_it_is_not_discarded(
    bus: Bus, tmp_path: Path
) -> None:
    project = write_aggregating(tmp_path, route=RESEQUENCING.replace("gap: 1s", "gap: 10m"))
    async with running_router(bus, project):
        await bus.publish_many([(IN, line("a", 3, 4)), (IN, line("a", 2, 4))])
        await entries_of(bus, "orders", 2)
        (found,) = await told(bus, project, "group", "list")
        assert (found["pattern"], found["number"], found["members"]) == ("resequence", 1, 2)
        code, _, err = await crossdock(bus, project, "group", "discard", "orders", "a", "--yes")
        assert (code, "complete it to give up the gap" in err) == (1, True)
        await told(bus, project, "group", "complete", "orders", "a")
        await entries_of(bus, "orders", 4)
    assert [each["line"] for each in await sent(bus)] == [2, 3]


async def test_a_key_that_may_be_personal_is_hidden_and_its_group_is_named_by_its_token(
    bus: Bus, tmp_path: Path
) -> None:
    project = write_aggregating(tmp_path)
    about = "contracts/sales/line.ordered/contract.yaml"
    async with running_router(bus, project):
        await bus.publish(IN, line("ada@example.com", 1, 3))
        await entries_of(bus, "orders", 1)
        for personal, key in (("/line", "ada@example.com"), ("/order", "•••")):
            write(project, about, f"personal: [{personal}]\n")
            (found,) = await told(bus, project, "group", "list")
            assert found["key"] == key
        (done,) = await told(bus, project, "group", "complete", "orders", found["token"])
    assert done["members"] == 1
