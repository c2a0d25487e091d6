from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from crossdock.contracts import Halt, Problem
from crossdock.mesh.watching import LastGood, project_changes
from eventually import eventually


class Watched:
    """Counts changes in the background."""

    def __init__(self, folder: Path) -> None:
        self.seen = asyncio.Event()
        self.task = asyncio.create_task(self._watch(folder))

    async def _watch(self, folder: Path) -> None:
        async for _ in project_changes(folder):
            self.seen.set()

    async def saw(self, seconds: float = 10) -> None:
        await asyncio.wait_for(self.seen.wait(), seconds)
        self.seen.clear()

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


def save(path: Path, text: str) -> None:
    path.write_text(text)


async def written_until_seen(watched: Watched, path: Path) -> None:
    """Save a file again and again until it is noticed: the watch begins at an unknown moment."""
    async with asyncio.timeout(10):
        while not watched.seen.is_set():
            save(path, "a")
            await asyncio.wait([asyncio.create_task(watched.seen.wait())], timeout=0.5)
    watched.seen.clear()


async def test_a_change_in_each_place_is_noticed_also_in_a_folder_that_appears(
    tmp_path: Path,
) -> None:
    (tmp_path / "routes").mkdir()
    watched = Watched(tmp_path)
    await written_until_seen(watched, tmp_path / "mesh.yaml")
    await written_until_seen(watched, tmp_path / "routes" / "a.yaml")
    (tmp_path / "workers").mkdir()
    await watched.saw()
    await written_until_seen(watched, tmp_path / "workers" / "a.yaml")
    await watched.stop()


async def test_the_brokers_store_is_not_watched(tmp_path: Path) -> None:
    store = tmp_path / ".crossdock"
    store.mkdir()
    watched = Watched(tmp_path)
    await written_until_seen(watched, tmp_path / "mesh.yaml")
    (store / "block").write_text("x")
    with pytest.raises(TimeoutError):
        await watched.saw(0.7)
    await watched.stop()


async def test_the_last_good_content_stays_while_the_files_are_wrong(tmp_path: Path) -> None:
    file = tmp_path / "mesh.yaml"
    file.write_text("one")

    def load(folder: Path) -> str:
        text = (folder / "mesh.yaml").read_text()
        if text == "wrong":
            raise Halt.of("no", [Problem(message="it is wrong", place="mesh.yaml:1")] * 2)
        return text

    last = LastGood(tmp_path, load)
    applied: asyncio.Queue[str] = asyncio.Queue()
    task = asyncio.create_task(last.follow(applied.put))
    async with asyncio.timeout(10):
        while applied.empty():
            save(file, "two")
            await asyncio.sleep(0.3)  # the watch begins at an unknown moment
    save(file, "wrong")
    await eventually(lambda: last.problems == 2)
    assert last.value == "two"
    save(file, "three")
    await eventually(lambda: last.value == "three")
    assert last.problems == 0
    task.cancel()
    await asyncio.wait([task])
