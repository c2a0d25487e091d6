"""Several processes share one folder; any of them may die at any time."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

_SCRIPT = Path(__file__).parents[1] / "file_in_replica.py"
_ALL = 1_000_000


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@asynccontextmanager
async def _replica(
    inbox: Path, *, batch: int = 50, acknowledge: int = _ALL
) -> AsyncIterator[Process]:
    arguments = [str(_SCRIPT), str(inbox.parent), str(batch), str(acknowledge)]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=PIPE)
    try:
        assert (await _event(process))["event"] == "open"
        yield process
    finally:
        await _kill(process)


async def _kill(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


async def _event(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 20)
    event: dict[str, Any] = json.loads(line)
    return event


async def _received(process: Process, count: int) -> list[dict[str, Any]]:
    """Read events until that many records were received."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        event = await _event(process)
        if event["event"] == "received":
            found.append(event)
    return found


async def _acknowledged(process: Process, count: int) -> list[str]:
    ids: list[str] = []
    while len(ids) < count:
        event = await _event(process)
        if event["event"] == "acknowledged":
            ids += event["ids"]
    return ids


def _put(inbox: Path, name: str, numbers: range) -> None:
    new = inbox / ".new"
    new.write_text("".join(f"{number}\n" for number in numbers))
    new.rename(inbox / name)


@pytest.mark.fault
async def test_when_the_owner_is_killed_another_replica_goes_on_with_the_same_ids(
    inbox: Path,
) -> None:
    _put(inbox, "a.jsonl", range(200))
    async with _replica(inbox, acknowledge=100) as first:
        done = await _acknowledged(first, 100)
        lost = await _received(first, 50)
        first.send_signal(signal.SIGSTOP)  # frozen, but alive: it keeps its file
        async with _replica(inbox) as second:
            _put(inbox, "b.jsonl", range(1000, 1010))
            assert [event["value"] for event in await _received(second, 10)] == [*range(1000, 1010)]
            await _kill(first)
            rest = await _received(second, 100)
    assert [event["value"] for event in rest] == list(range(100, 200))
    assert [event["id"] for event in rest[:50]] == [event["id"] for event in lost]
    assert not {event["id"] for event in rest} & set(done)


@pytest.mark.fault
async def test_killed_again_and_again_the_whole_file_is_acknowledged(inbox: Path) -> None:
    _put(inbox, "a.jsonl", range(100))
    done: set[str] = set()
    for _ in range(4):
        async with _replica(inbox, batch=20, acknowledge=20) as process:
            done |= set(await _acknowledged(process, 20))
    async with _replica(inbox) as process:
        done |= set(await _acknowledged(process, 20))
        assert len(done) == 100
        _put(inbox, "b.jsonl", range(1))
        await _acknowledged(process, 1)
    assert (inbox / "done" / "a.jsonl").read_text() == "".join(f"{n}\n" for n in range(100))
    assert not (inbox / "a.jsonl").exists()


async def test_two_replicas_share_many_files_and_read_none_twice(inbox: Path) -> None:
    for number in range(100):
        _put(inbox, f"{number:03}.jsonl", range(number * 10, number * 10 + 10))
    async with _replica(inbox) as first, _replica(inbox) as second:
        seen: list[int] = []

        async def follow(process: Process) -> None:
            while len(seen) < 1000:
                event = await _event(process)
                if event["event"] == "received":
                    seen.append(event["value"])

        tasks = [asyncio.ensure_future(follow(process)) for process in (first, second)]
        await asyncio.wait(tasks, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    assert sorted(seen) == list(range(1000))
