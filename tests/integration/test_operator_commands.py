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

from eventually import eventually
from tiny_project import CONTRACT, make_project
from up_process import Up


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Up]:
    """A mesh whose book refuses a number that is not above 0."""
    project = make_project(tmp_path / "tiny")
    worker = project / "workers" / "book.yaml"
    worker.write_text(worker.read_text() + 'map: "$[number > 0]"\n')
    each = Up(project)
    await each.start()
    await each.ready()
    yield each
    assert each.process is not None
    each.process.terminate()
    await each.finished()


async def crossdock(
    up: Up, *words: str, given: str = "", environment: dict[str, str] | None = None
) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crossdock.cli", *words, "--project", str(up.project)),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, **(environment or {})},
    )
    out, err = await asyncio.wait_for(process.communicate(given.encode()), 60)
    return process.returncode, out.decode(), err.decode()


async def answer(up: Up, *words: str, given: str = "") -> Any:  # noqa: ANN401 - it is JSON
    code, out, err = await crossdock(up, *words, "--json", given=given)
    assert code == 0, err
    return json.loads(out)


async def story(up: Up, message_id: str) -> dict[str, Any]:
    result: dict[str, Any] = await answer(up, "message", "show", message_id)
    return result


async def test_a_message_is_sent_and_its_way_told(up: Up) -> None:
    code, out, err = await crossdock(up, "message", "send", CONTRACT, given='{"number": 3}')
    assert code == 0, err
    message_id = out.strip()
    await eventually(lambda: up.delivered() == [3], seconds=20)
    async with asyncio.timeout(20):
        while (found := await story(up, message_id))["state"] != "done":
            pass
    assert found["routes"][0]["destinations"][0]["state"] == "delivered"
    code, out, err = await crossdock(up, "message", "show", message_id)
    assert code == 0, err
    assert "route orders: routed" in out
    assert "-> book: delivered" in out


async def test_data_that_breaks_its_contract_is_refused_with_pointers(up: Up) -> None:
    code, out, err = await crossdock(
        up, "message", "send", CONTRACT, given='{"number": "a secret"}'
    )
    assert (code, out) == (1, "")
    assert "/number: " in err
    assert "a secret" not in err  # I6


async def test_an_unknown_message_and_a_silent_gateway_are_told(up: Up) -> None:
    code, _, err = await crossdock(up, "message", "show", "nothing")
    assert code == 1
    assert "no message 'nothing'" in err
    words = ("message", "send", CONTRACT)
    elsewhere = {"CROSSDOCK_URL": "http://127.0.0.1:1"}
    code, _, err = await crossdock(up, *words, given="{}", environment=elsewhere)
    assert code == 1
    assert "http://127.0.0.1:1 does not answer" in err


async def test_a_dead_letter_is_shown_repaired_and_sent_again(up: Up, tmp_path: Path) -> None:
    accepted = await answer(up, "message", "send", CONTRACT, given='{"number": -1}')
    async with asyncio.timeout(20):
        while (await story(up, accepted["id"]))["state"] != "dead":
            pass
    group = await answer(up, "dead", "list")
    assert (group["kind"], group["where"], group["count"]) == ("destination", "book", 1)
    number = str(group["first"])
    shown = await answer(up, "dead", "show", number)
    assert "data" not in shown  # I6
    assert shown["attempts"] == 1
    code, out, _ = await crossdock(up, "dead", "show", number, "--data")
    assert code == 0
    assert '{"number": -1}' in out
    repaired = tmp_path / "repaired.json"
    repaired.write_text('{"number": 8}')
    words = ("dead", "redrive", number, "--data", str(repaired))
    code, _, err = await crossdock(up, *words, given="n\n")  # asked, and refused
    assert (code, "Send 1 again?" in err) == (1, True)
    assert await answer(up, *words, "--yes") == {"sent": 1, "refused": {}}
    await eventually(lambda: up.delivered() == [8], seconds=20)
    code, out, _ = await crossdock(up, "dead", "list")
    assert (code, out) == (0, "no dead letters\n")


async def test_all_are_sent_again_once_also_those_that_fail_again(up: Up) -> None:
    for number in (-1, -2, -3):
        await up.send(number)
    async with asyncio.timeout(20):
        while True:
            code, out, _ = await crossdock(up, "dead", "list", "--json")
            if code == 0 and out and json.loads(out)["count"] == 3:
                break
    result = await answer(up, "dead", "redrive", "--where", "book", "--yes")
    assert result == {"sent": 3, "refused": {}}
    code, _, err = await crossdock(up, "dead", "redrive", "99", "--yes")
    assert code == 1
    assert "99: there is no such dead letter" in err
    code, _, err = await crossdock(up, "dead", "redrive", "--yes")
    assert code == 2
    assert "--all" in err


async def test_a_dead_letter_is_repaired_by_patch_and_its_story_told(
    up: Up, tmp_path: Path
) -> None:
    accepted = await answer(up, "message", "send", CONTRACT, given='{"number": -4}')
    async with asyncio.timeout(20):
        while (await story(up, accepted["id"]))["state"] != "dead":
            pass
    group = await answer(up, "dead", "list", "--by", "contract")
    assert (group["contract"], group["count"]) == (f"{CONTRACT} 1.0.0", 1)
    patch = tmp_path / "patch.json"
    patch.write_text('[{"op": "replace", "path": "/number", "value": "seven"}]')
    words = ("dead", "edit", str(group["first"]), "--patch", str(patch))
    code, _, err = await crossdock(up, *words, "--yes")
    assert (code, "/number: " in err) == (1, True)
    patch.write_text('[{"op": "replace", "path": "/number", "value": 7}]')
    code, out, err = await crossdock(up, *words, "--yes")
    assert code == 0, err
    assert "- -4" in out
    assert "+ 7" in out
    cause = (await answer(up, "dead", "list"))["cause"]
    words = ("--cause", cause, "--rate", "10/s", "--reason", "a typing error")
    assert await answer(up, "dead", "redrive", *words, "--yes") == {"sent": 1, "refused": {}}
    await eventually(lambda: up.delivered() == [7], seconds=20)
    async with asyncio.timeout(20):
        while (await story(up, accepted["id"]))["state"] != "done":
            pass
    code, out, err = await crossdock(up, "why", accepted["id"], "--graph")
    assert code == 0, err
    assert "a typing error" in out
    assert out.count("book delivered") == 1
    assert (await answer(up, "ledger"))["balanced"]


async def test_tail_shows_what_comes_in_and_data_only_when_asked(up: Up) -> None:
    for option, wanted in ((), False), (("--data",), True):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "crossdock.cli", "message", "tail", "shop.*.*", *option),
            *("--project", str(up.project), "--json"),
            stdout=PIPE,
            stderr=PIPE,
        )
        assert process.stdout is not None
        line = asyncio.create_task(process.stdout.readline())
        async with asyncio.timeout(30):
            while not line.done():  # it begins to look at an unknown moment
                await up.send(4)
                await asyncio.wait([line], timeout=0.5)
        shown = json.loads(line.result())
        assert shown["type"] == CONTRACT
        assert ("data" in shown) is wanted
        process.send_signal(2)
        _, err = await process.communicate()
        assert (process.returncode, err) == (130, b"")
