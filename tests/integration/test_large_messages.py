"""Large messages through a whole mesh: door, route, three kinds of systems behind it."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from crossdock.mesh.fail_points import VARIABLE
from eventually import eventually
from http_peer import HttpPeer
from project_folder import write, write_contract
from up_process import Up

SCAN = "lab.scan.done"
SIZE = 5_000_000
RESULT = "\"{'number': number, 'pixels': lines}\""


def scan(number: int, size: int = SIZE) -> dict[str, Any]:
    """A document of about so many bytes, unlike any other, with numbers and texts of all kinds."""
    chance = random.Random(number)  # noqa: S311 - no secret
    line = 2_000
    return {
        "number": number,
        "taken": "2026-03-02T09:30:00Z",
        "lines": [
            {"at": at, "x": chance.random(), "text": 'é\n"\\' + chance.randbytes(960).hex()}
            for at in range(size // line)
        ],
    }


def make(folder: Path, url: str) -> Path:
    write(folder, "mesh.yaml", "mesh: t\ngateway: {anonymous: true}\n")
    write_contract(folder, SCAN, {"type": "object", "required": ["number", "lines"]})
    write_contract(folder, "lab.result.kept", {"type": "object", "required": ["number", "pixels"]})
    write(
        folder,
        "routes/scans.yaml",
        f"""
        route: scans
        accepts: {SCAN}@1
        steps: [{{tap: files}}]
        send_all:
          - {{when: number > 0, to: web, as: lab.result.kept@1, map: {RESULT}}}
          - {{when: number > 0, to: base, as: lab.result.kept@1, map: {RESULT}}}
        """,
    )
    web = f"settings: {{url: '{url}', timeout: 20s}}\n"
    write(folder, "workers/web.yaml", f"worker: web\nadapter: http-out\n{web}")
    files = "settings: {path: out, format: json}\n"
    write(folder, "workers/files.yaml", f"worker: files\nadapter: file-out\n{files}")
    base = "settings: {url: 'sqlite:///scans.db', table: scans}\n"
    write(folder, "workers/base.yaml", f"worker: base\nadapter: sql-out\n{base}")
    (folder / "out").mkdir()
    with closing(sqlite3.connect(folder / "scans.db")) as database, database:
        database.execute("CREATE TABLE scans (number INTEGER, pixels TEXT)")
    return folder


def rows(folder: Path) -> list[tuple[int, str]]:
    with closing(sqlite3.connect(folder / "scans.db")) as database:
        return database.execute("SELECT number, pixels FROM scans").fetchall()


def files(folder: Path) -> list[Path]:
    return sorted((folder / "out").glob("*.json"))


@pytest.fixture
def peer() -> HttpPeer:
    return HttpPeer()


@pytest.fixture
async def up(tmp_path: Path, peer: HttpPeer) -> AsyncIterator[Up]:
    peer.start()
    each = Up(make(tmp_path / "lab", peer.url))
    yield each
    if each.process is not None and each.process.returncode is None:
        each.process.send_signal(signal.SIGTERM)
        await each.finished()
    peer.stop()


async def send(up: Up, number: int) -> httpx.Response:
    body = msgspec.json.encode(scan(number))
    async with httpx.AsyncClient(base_url=up.http, timeout=60) as http:
        return await http.post(
            f"/v1/messages/{SCAN}",
            content=body,
            headers={"content-type": "application/json", "idempotency-key": f"scan-{number}"},
        )


def all_there(up: Up, peer: HttpPeer, count: int) -> bool:
    return len(peer.effects) == len(files(up.project)) == len(rows(up.project)) == count


def assert_exact(up: Up, peer: HttpPeer, numbers: set[int]) -> None:
    """What each system has is what was sent, whole."""
    expected = {number: scan(number) for number in numbers}
    found = [json.loads(each.read_bytes()) for each in files(up.project)]
    assert {each["number"] for each in found} == numbers
    assert all(each == expected[each["number"]] for each in found)
    bodies = [call.value for call in peer.effects.values()]
    assert {each["number"] for each in bodies} == numbers
    assert all(each["pixels"] == expected[each["number"]]["lines"] for each in bodies)
    assert {number for number, _ in rows(up.project)} == numbers
    assert all(json.loads(text) == expected[n]["lines"] for n, text in rows(up.project))


async def test_five_megabytes_go_through_door_route_and_three_systems_exactly(
    up: Up, peer: HttpPeer
) -> None:
    await up.start()
    await up.ready()
    answers = await asyncio.gather(*(send(up, number) for number in (1, 2, 3)))
    assert [each.status_code for each in answers] == [202] * 3, answers[0].text
    await eventually(lambda: all_there(up, peer, 3), seconds=60)
    assert_exact(up, peer, {1, 2, 3})


@pytest.mark.fault
async def test_a_router_that_ends_between_data_and_message_loses_and_doubles_nothing_I4(
    up: Up, peer: HttpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "data-stored:2")
    await up.start()
    monkeypatch.delenv(VARIABLE)
    await up.ready()
    done = 0
    while done < 3:  # the gateway ends at this point, too
        try:
            answer = await send(up, done + 1)
        except httpx.HTTPError:
            await asyncio.sleep(0.2)
            continue
        if answer.status_code == 202:
            done += 1
    await eventually(lambda: all_there(up, peer, 3), seconds=90)
    assert_exact(up, peer, {1, 2, 3})


@pytest.mark.fault
async def test_a_broker_that_is_killed_meanwhile_loses_and_doubles_nothing_I1(
    up: Up, peer: HttpPeer
) -> None:
    await up.start()
    await up.ready()
    done, killed = 0, False
    while done < 6:
        try:
            answer = await send(up, done + 1)
        except httpx.HTTPError:
            await asyncio.sleep(0.2)
            continue
        if answer.status_code == 202:
            done += 1
        if done == 3 and not killed:
            os.kill(up.family()["nats-server"], signal.SIGKILL)
            killed = True
    await eventually(lambda: all_there(up, peer, 6), seconds=90)
    assert_exact(up, peer, set(range(1, 7)))
