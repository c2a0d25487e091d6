from __future__ import annotations

import asyncio
import json
import os
import pty
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crossdock.contracts import Subjects
from crossdock.mesh.bus import Bus, ConsumerSpec
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from faults.observing import plain_client
from nats_server import NatsServer
from registry_mesh import BROKEN_ROUTE, RegistryMesh
from tiny_project import CONTRACT, add_worker

ROUTE = "routes/orders.yaml"
SCHEMA = "contracts/shop/order.placed/1.0.0.schema.json"


@pytest.fixture
async def mesh(tmp_path: Path, nats_server: NatsServer) -> AsyncIterator[RegistryMesh]:
    each = RegistryMesh(tmp_path, nats_server.url)
    yield each
    await each.close()


async def number(mesh: RegistryMesh) -> int:
    found = await mesh.holds()
    return 0 if found is None else found.number


async def test_a_plan_tells_what_is_added_changed_and_removed_and_changes_nothing(
    mesh: RegistryMesh,
) -> None:
    await mesh.apply("the first")
    add_worker(mesh.project, "more", "workers")
    mesh.edit(ROUTE, "to: book", "to: more")
    (mesh.project / "workers" / "book.yaml").unlink()
    said = await mesh.say("plan", "--exit-code")
    assert said.code == 3
    for line in ("~ route orders", "-  - to: book", "+  - to: more", "+ worker more"):
        assert line in said.out
    assert "- worker book" in said.out
    assert "1 to add, 1 to change, 1 to remove" in said.out
    changes = (await mesh.plan())["changes"]
    assert [(each["sign"], each["kind"], each["name"]) for each in changes] == [
        ("changed", "route", "orders"),
        ("removed", "worker", "book"),
        ("added", "worker", "more"),
    ]
    assert await number(mesh) == 1


async def test_nothing_to_do_makes_no_revision(mesh: RegistryMesh) -> None:
    await mesh.apply("the first")
    said = await mesh.say("apply", "--yes", "--reason", "again")
    assert (said.code, "nothing to do" in said.out) == (0, True)
    assert await number(mesh) == 1


async def test_a_project_with_a_problem_is_refused_with_its_place(mesh: RegistryMesh) -> None:
    (mesh.project / ROUTE).write_text(BROKEN_ROUTE)
    for words in (("plan",), ("apply", "--yes", "--reason", "x")):
        said = await mesh.say(*words)
        assert said.code == 1
        assert f"{ROUTE}:4: " in said.err
    assert await mesh.say("history") == (0, "nothing was applied yet\n", "")


async def test_it_asks_first_and_refuses_where_nobody_can_be_asked(mesh: RegistryMesh) -> None:
    said = await mesh.say("apply", "--reason", "x")
    assert said.code == 1
    assert "give --yes" in said.err
    said = await mesh.say("apply", "--yes", "--reason", "two\nlines")
    assert said.code == 1
    assert "reason: write one line" in said.err
    assert await number(mesh) == 0


async def test_of_two_who_apply_at_once_one_wins_and_the_other_is_told(
    mesh: RegistryMesh,
) -> None:
    await mesh.apply("the first")
    mesh.edit(ROUTE, "send:", "description: changed\nsend:")
    words = ("apply", "--yes", "--no-wait")
    both = [
        await mesh.begin(*words, "--reason", f"from {name}", "--author", name)
        for name in ("ann", "bob")
    ]
    said = [await asyncio.wait_for(each.communicate(), 60) for each in both]
    codes = [each.returncode for each in both]
    # Usually both have planned by then; else the second finds that there is nothing to do.
    assert sorted(codes, key=str) in ([0, 5], [0, 0])
    assert await number(mesh) == 2
    if 5 in codes:
        winner = ("ann", "bob")[codes.index(0)]
        assert f"conflict: {winner} made revision 2" in said[codes.index(5)][1].decode()


async def test_who_agrees_to_a_plan_that_is_out_of_date_is_told_who_was_faster(
    mesh: RegistryMesh,
) -> None:
    await mesh.apply("the first")
    mesh.edit(ROUTE, "send:", "description: changed\nsend:")
    terminal, theirs = pty.openpty()
    slow = await mesh.begin("apply", "--reason", "slow", "--author", "bob", stdin=theirs)
    assert slow.stderr is not None
    await asyncio.wait_for(slow.stderr.readuntil(b"Apply this?"), 60)
    await mesh.apply("the winner")
    os.write(terminal, b"y\n")
    _, err = await asyncio.wait_for(slow.communicate(), 60)
    os.close(terminal)
    os.close(theirs)
    assert slow.returncode == 5
    assert "conflict: ann made revision 2 at 20" in err.decode()
    assert "(the winner) while yours was being made" in err.decode()
    assert await number(mesh) == 2


@pytest.mark.parametrize(("point", "holds"), [("contents-stored", 1), ("head-changed", 2)])
async def test_a_kill_at_any_step_leaves_a_whole_revision_and_the_next_apply_works(
    mesh: RegistryMesh, point: str, holds: int
) -> None:
    await mesh.apply("the first")
    mesh.edit(ROUTE, "send:", "description: changed\nsend:")
    said = await mesh.say("apply", "--yes", "--reason", "killed", fail_point=point)
    assert said.code == 137
    assert await number(mesh) == holds
    mesh.edit(ROUTE, "changed", "changed again")
    await mesh.apply("the next")
    assert await number(mesh) == holds + 1


async def test_kills_at_random_moments_leave_a_whole_revision(mesh: RegistryMesh) -> None:
    await mesh.apply("the first")
    for turn in range(5):
        mesh.edit(ROUTE, "route: orders\n", f"route: orders\n# {turn}\n")
        process = await mesh.begin("apply", "--yes", "--reason", f"turn {turn}", "--no-wait")
        await asyncio.wait([asyncio.create_task(process.wait())], timeout=0.7 + turn * 0.08)
        if process.returncode is None:
            process.kill()
        await process.communicate()
        assert await mesh.holds() is not None
    await mesh.apply("the last")
    assert (await mesh.plan())["changes"] == []


async def test_a_rollback_brings_back_the_files_of_an_older_revision(mesh: RegistryMesh) -> None:
    await mesh.apply("good")
    mesh.edit(ROUTE, "send:", "where: number > 10\nsend:")
    add_worker(mesh.project, "more", "workers")
    await mesh.apply("bad")
    said = await mesh.say("rollback", "--yes", "--reason", "it was wrong", "--author", "bob")
    assert said.code == 0, said.err
    assert "-where: number > 10" in said.out
    changes = (await mesh.plan())["changes"]
    assert [(each["sign"], each["name"]) for each in changes] == [
        ("changed", "orders"),
        ("added", "more"),
    ]
    said = await mesh.say("rollback", "2", "--yes", "--reason", "it was right")
    assert said.code == 0, said.err
    assert (await mesh.plan())["changes"] == []
    said = await mesh.say("rollback", "77", "--yes", "--reason", "x")
    assert (said.code, "there is no revision 77" in said.err) == (1, True)
    said = await mesh.say("history", "--json")
    told = [json.loads(line) for line in said.out.splitlines()]
    assert [(each["number"], each["note"]["origin"]) for each in told] == [
        (4, "rollback"),
        (3, "rollback"),
        (2, "apply"),
        (1, "apply"),
    ]
    assert told[1]["note"] == {
        "author": "bob",
        "reason": "it was wrong",
        "origin": "rollback",
        "forced": "",
    }


async def test_a_mesh_that_runs_from_a_folder_is_not_told_that_nobody_reads(
    mesh: RegistryMesh,
) -> None:
    bus = await Bus.connect(mesh.url, Subjects("tiny"), name="test")
    await provision(bus, BrokerSettings())
    subjects = (bus.subjects.incoming(CONTRACT),)
    await bus.puller(
        ConsumerSpec(stream="tiny-in", durable="route-orders", filters=subjects)
    ).ensure()
    await bus.close()
    plan = await mesh.plan()
    assert plan["drift"] == []
    (warning,) = plan["warnings"]
    assert "services run from a folder: what is applied does not change them" in warning


async def test_drift_is_shown(mesh: RegistryMesh) -> None:
    await mesh.apply("the first")
    router, _, _ = await mesh.start("router", "worker", "gateway")
    assert (await mesh.plan())["drift"] == []
    await mesh.send(1)
    await router.kill()  # else it would repair what we break
    await mesh.send(2)
    async with plain_client(mesh.url) as jetstream:
        await jetstream.delete_consumer("tiny-in", "route-orders")
        await jetstream.add_consumer(
            "tiny-in", durable_name="route-gone", filter_subject="tiny.in.>"
        )
        info = await jetstream.stream_info("tiny-out")
        info.config.max_bytes = 12345678
        await jetstream.update_stream(info.config)
    drift = {each["name"]: each for each in (await mesh.plan())["drift"]}
    assert drift.keys() == {"route-orders", "route-gone", "tiny-out"}
    assert "is not there" in drift["route-orders"]["message"]
    assert drift["route-gone"]["waiting"] == 2
    assert "max_bytes is 12345678" in drift["tiny-out"]["message"]
    said = await mesh.say("plan")
    assert "! route-gone (2 waiting) nobody reads for it any more" in said.out


async def test_a_route_that_goes_away_with_unread_messages_is_told(mesh: RegistryMesh) -> None:
    await mesh.apply("the first")
    services = await mesh.start("router", "worker", "gateway")
    for each in services[:2]:
        await each.kill()
    await mesh.send(1)
    (mesh.project / ROUTE).unlink()
    said = await mesh.say("plan")
    assert "! route orders goes away; messages that wait for it: 1" in said.out


async def test_I6_no_secret_comes_into_the_registry(mesh: RegistryMesh) -> None:
    mesh.edit("workers/book.yaml", "worker: book", "worker: book\ndescription: it is hunter2")
    (mesh.project / "workers" / "token.json").write_text('"a-secret-of-the-worker"')
    (mesh.project / "workers" / ".env").write_text("A=a-secret-of-the-shell")
    (mesh.project / "workers" / "key.pem").write_text("a-secret-in-a-file")
    mesh.edit("workers/book.yaml", "hunter2", "${file:workers/token.json}")
    said = await mesh.say("plan")
    assert "workers/key.pem is not part of a revision" in said.out
    await mesh.apply("with secrets beside it")
    kept = await mesh.contents()
    assert "workers/book.yaml" in kept
    assert "workers/token.json" not in kept
    assert not [each for each in kept.values() if b"a-secret" in each]
    mesh.edit("workers/book.yaml", "description: it is", "description: postgresql://app:pw1@db/x")
    said = await mesh.say("apply", "--yes", "--reason", "x")
    assert said.code == 1
    assert "workers/book.yaml:2: holds a password in a URL" in said.err
    assert "pw1" not in said.err  # I6


async def test_publish_changes_contracts_and_nothing_else(mesh: RegistryMesh) -> None:
    said = await mesh.say("contract", "publish", "--yes", "--reason", "x")
    assert (said.code, "begin with `crossdock apply`" in said.err) == (1, True)
    await mesh.apply("the first")
    mesh.edit(ROUTE, "send:", "description: not yet\nsend:")
    schema = json.loads((mesh.project / SCHEMA).read_text())
    schema["properties"]["number"]["type"] = "number"
    newer = SCHEMA.replace("1.0.0", "1.1.0")
    (mesh.project / newer).write_text(json.dumps(schema))
    said = await mesh.say("contract", "publish", CONTRACT, "--yes", "--reason", "parts of one")
    assert said.code == 0, said.err
    assert f"+ contract {CONTRACT} 1.1.0" in said.out
    assert "keeps backward towards 1.0.0" in said.out
    assert [each["path"] for each in (await mesh.plan())["changes"]] == [ROUTE]
    said = await mesh.say("contract", "publish", "no.such.thing", "--yes", "--reason", "x")
    assert (said.code, "no contract no.such.thing" in said.err) == (1, True)


async def test_a_published_version_stays_as_it_is_unless_forced_and_that_is_kept(
    mesh: RegistryMesh,
) -> None:
    await mesh.apply("the first")
    mesh.edit(SCHEMA, '"integer"', '"number"')
    for command in (("apply",), ("contract", "publish")):
        said = await mesh.say(*command, "--yes", "--reason", "x")
        assert said.code == 1
        assert f"{SCHEMA}:1: {CONTRACT} 1.0.0 was published, so it stays as it is" in said.err
    said = await mesh.say(
        *("contract", "publish", "--yes", "--reason", "nobody uses it", "--force")
    )
    assert said.code == 0, said.err
    note = (await mesh.plan())["applied"]["note"]
    assert note["reason"] == "nobody uses it"
    assert "was published" in note["forced"]
    # How it is written may change.
    schema = json.loads((mesh.project / SCHEMA).read_text())
    (mesh.project / SCHEMA).write_text(json.dumps(schema, indent=3))
    await mesh.apply("written anew")


async def test_a_damaged_registry_is_told_and_the_next_apply_repairs_it(mesh: RegistryMesh) -> None:
    await mesh.apply("the first")
    bus = await Bus.connect(mesh.url, Subjects("tiny"), name="hand")
    bucket = bus.bucket("registry")
    for each in await bucket.keys("blob.*"):
        await bucket.forget(each)
    await bus.close()
    said = await mesh.say("plan")
    assert said.code == 0, said.err
    assert "the registry does not hold content" in said.out
    await mesh.apply("repaired")
    assert await number(mesh) == 2


async def test_a_version_that_breaks_its_mode_is_refused_with_the_place_unless_forced(
    mesh: RegistryMesh,
) -> None:
    await mesh.apply("the first")
    schema = json.loads((mesh.project / SCHEMA).read_text())
    schema["properties"]["number"]["minimum"] = 1
    newer = SCHEMA.replace("1.0.0", "1.1.0")
    (mesh.project / newer).write_text(json.dumps(schema))
    for command in (("apply",), ("contract", "publish")):
        said = await mesh.say(*command, "--yes", "--reason", "x")
        assert said.code == 1
        assert f"{newer}:1: /properties/number/minimum: " in said.err
        assert f"{CONTRACT} 1.1.0 breaks backward towards 1.0.0" in said.err
    (mesh.project / newer).rename(mesh.project / SCHEMA.replace("1.0.0", "2.0.0"))
    said = await mesh.say("plan")
    assert "breaks backward towards 1.0.0, as this version may" in said.out
    (mesh.project / SCHEMA.replace("1.0.0", "2.0.0")).rename(mesh.project / newer)
    said = await mesh.say("apply", "--yes", "--reason", "agreed with all readers", "--force")
    assert said.code == 0, said.err
    found = await mesh.holds()
    assert found is not None
    assert "1.1.0 breaks backward" in found.note.forced
